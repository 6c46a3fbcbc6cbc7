/* A disk that can be watched and that can fail, for one process: preloaded before the C library.
 *
 * DISK_UNDER   a path's beginning: only files that begin so are watched
 * DISK_RECORD  a file that gets every write, truncation, sync and removal of such files, and everything that is sent
 * DISK_EIO     "n,m": from the n-th fdatasync of such files on, m of them fail with EIO
 *
 * One lock goes around each recorded call, so that the record is in the order of what happened.
 * A record: operation (1 byte), length of the name (4), offset (8), length of the data (8), name, data. Little-endian.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record = -1, ready = 0;
static long fail_from = 0, fail_count = 0, syncs = 0;
static const char *under = NULL;

#define REAL(name, type) static __typeof__(type) real = NULL; if (!real) real = (__typeof__(type))dlsym(RTLD_NEXT, name)

static void set_up(void) {
    if (ready) return;
    ready = 1;
    under = getenv("DISK_UNDER");
    const char *file = getenv("DISK_RECORD"), *eio = getenv("DISK_EIO");
    if (file) record = open(file, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (eio) sscanf(eio, "%ld,%ld", &fail_from, &fail_count);
}

static int watched_name(const char *name) { return under && strncmp(name, under, strlen(under)) == 0; }

static int watched(int fd, char *name) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, PATH_MAX - 1);
    if (length < 0) return 0;
    name[length] = 0;
    return watched_name(name);
}

static void put(char op, const char *name, int64_t offset, const void *data, int64_t length) {
    if (record < 0) return;
    uint32_t named = strlen(name);
    size_t total = 21 + named + length;
    char *buffer = malloc(total);
    buffer[0] = op;
    memcpy(buffer + 1, &named, 4);
    memcpy(buffer + 5, &offset, 8);
    memcpy(buffer + 13, &length, 8);
    memcpy(buffer + 21, name, named);
    if (length) memcpy(buffer + 21 + named, data, length);
    for (size_t done = 0; done < total;) {
        ssize_t n = write(record, buffer + done, total - done);
        if (n <= 0) abort();
        done += n;
    }
    free(buffer);
}

static ssize_t positioned(ssize_t (*real)(int, const void *, size_t, off64_t), int fd, const void *data, size_t count,
                          off64_t offset) {
    char name[PATH_MAX];
    pthread_mutex_lock(&lock);
    set_up();
    int seen = watched(fd, name);
    ssize_t n = real(fd, data, count, offset);
    int error = errno;
    if (seen && n > 0) put('W', name, offset, data, n);
    pthread_mutex_unlock(&lock);
    errno = error;
    return n;
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset) {
    REAL("pwrite64", ssize_t (*)(int, const void *, size_t, off64_t));
    return positioned(real, fd, data, count, offset);
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) {
    REAL("pwrite64", ssize_t (*)(int, const void *, size_t, off64_t));
    return positioned(real, fd, data, count, offset);
}

static int truncated(int (*real)(int, off64_t), int fd, off64_t size) {
    char name[PATH_MAX];
    pthread_mutex_lock(&lock);
    set_up();
    int seen = watched(fd, name), result = real(fd, size), error = errno;
    if (seen && !result) put('T', name, size, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int ftruncate64(int fd, off64_t size) {
    REAL("ftruncate64", int (*)(int, off64_t));
    return truncated(real, fd, size);
}

int ftruncate(int fd, off_t size) {
    REAL("ftruncate64", int (*)(int, off64_t));
    return truncated(real, fd, size);
}

static int synced(int (*real)(int), int fd, int may_fail) {
    char name[PATH_MAX];
    pthread_mutex_lock(&lock);
    set_up();
    int seen = watched(fd, name), result, error;
    if (seen && may_fail && ++syncs >= fail_from && syncs < fail_from + fail_count) {
        result = -1;
        error = EIO;
    } else {
        result = real(fd);
        error = errno;
        if (seen && !result) put('S', name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int fdatasync(int fd) {
    REAL("fdatasync", int (*)(int));
    return synced(real, fd, 1);
}

int fsync(int fd) {
    REAL("fsync", int (*)(int));
    return synced(real, fd, 0);
}

int unlink(const char *name) {
    REAL("unlink", int (*)(const char *));
    pthread_mutex_lock(&lock);
    set_up();
    int result = real(name), error = errno;
    if (!result && watched_name(name)) put('U', name, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

ssize_t send(int fd, const void *data, size_t count, int flags) {
    REAL("send", ssize_t (*)(int, const void *, size_t, int));
    char name[PATH_MAX];
    pthread_mutex_lock(&lock);
    set_up();
    watched(fd, name);
    put('N', name, 0, data, count); /* before: from here on the server may have it */
    ssize_t n = real(fd, data, count, flags);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return n;
}
