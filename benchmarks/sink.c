/* An SMTP server that takes everything and keeps nothing, as cheaply as it can, so that the client is the limit.
 *
 *   sink PORT [-d MICROSECONDS] [-x EXTENSION]…
 *
 * One thread, epoll. Listens on 127.0.0.1 and says "listening PORT" on standard output.
 *   -d  what a round trip takes: every reply leaves so long after the bytes that asked for it came. The order stays, and
 *       what came together is answered together. Only the delay is modelled: no loss, no bandwidth.
 *   -x  do not announce this extension, and do not know its commands
 * A line on standard input is answered with the counts so far, as one JSON object; its end, or SIGTERM, with the last
 * counts, and ends the program. The octets are those of the messages as they were meant: DATA's dots are taken out
 * again (RFC 5321 section 4.5.2), so that DATA and BDAT (RFC 3030) of one message count alike.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4096, LINE = 2048, READ = 256 * 1024, EVENTS = 256 };
enum { LISTENER = MOST, CONTROL, SIGNAL, TIMER };
enum state { COMMANDS, DATA, CHUNK };

struct connection {
    int fd; /* -1: free */
    uint32_t generation;
    enum state state;
    int mail, recipients, chunked, closing;
    int matched;       /* of CR LF . CR LF, in DATA */
    int refused;       /* whether the chunk that is being read is refused */
    int last;          /* whether it is the message's last */
    uint64_t left;     /* of the chunk */
    uint64_t octets;   /* of the message */
    size_t line_length;
    char line[LINE];   /* the beginning of a command, until the rest of it comes */
    char *out;
    size_t out_start, out_length, out_room, may_leave;
    int waits; /* for the socket to take more */
};

struct batch { /* replies that leave together */
    int64_t due;
    int slot;
    uint32_t generation;
    size_t length;
};

static struct connection *connections;
static int poller, listener, timer;
static int64_t delay; /* nanoseconds */
static char hello[512];
static int knows_chunking = 1;
static struct batch *batches;
static size_t batch_first, batch_count, batch_room;
static uint64_t sessions, messages, octets_in_all, refusals;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void watch(int fd, uint64_t name, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.u64 = name};
    if (epoll_ctl(poller, operation, fd, &event) < 0) fail("epoll_ctl");
}

static void drop(struct connection *c) {
    if (c->fd < 0) return;
    close(c->fd);
    c->fd = -1;
    c->generation++;
    free(c->out);
    c->out = NULL;
    c->out_start = c->out_length = c->out_room = c->may_leave = 0;
}

/* Send what may leave. */
static void flush(struct connection *c, int slot) {
    while (c->may_leave > 0) {
        ssize_t sent = send(c->fd, c->out + c->out_start, c->may_leave, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                drop(c);
                return;
            }
            if (!c->waits) watch(c->fd, slot, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            c->waits = 1;
            return;
        }
        c->may_leave -= sent;
        c->out_start += sent;
        c->out_length -= sent;
    }
    if (c->out_length == 0) c->out_start = 0;
    if (c->waits) watch(c->fd, slot, EPOLLIN, EPOLL_CTL_MOD);
    c->waits = 0;
    if (c->closing && c->out_length == 0) drop(c);
}

static void set_timer(int64_t due) {
    struct itimerspec at = {.it_value = {due / 1000000000, due % 1000000000}};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) < 0) fail("timerfd_settime");
}

/* The last `length` bytes of what is to be sent leave a round trip after `came`. */
static void leave_later(struct connection *c, int slot, size_t length, int64_t came) {
    if (batch_count == batch_room) {
        size_t room = batch_room ? 2 * batch_room : 1024;
        struct batch *more = malloc(room * sizeof *more);
        if (!more) fail("malloc");
        for (size_t n = 0; n < batch_count; n++) more[n] = batches[(batch_first + n) % batch_room];
        free(batches);
        batches = more;
        batch_first = 0;
        batch_room = room;
    }
    batches[(batch_first + batch_count) % batch_room] = (struct batch){came + delay, slot, c->generation, length};
    if (batch_count++ == 0) set_timer(came + delay);
}

static void release_due(void) {
    uint64_t ticks;
    if (read(timer, &ticks, sizeof ticks) < 0 && errno != EAGAIN) fail("timerfd");
    int64_t at = now();
    while (batch_count > 0 && batches[batch_first].due <= at) {
        struct batch b = batches[batch_first];
        batch_first = (batch_first + 1) % batch_room;
        batch_count--;
        struct connection *c = &connections[b.slot];
        if (c->fd < 0 || c->generation != b.generation) continue;
        c->may_leave += b.length;
        if (!c->waits) flush(c, b.slot);
    }
    if (batch_count > 0) set_timer(batches[batch_first].due);
}

static void reply(struct connection *c, const char *text) {
    size_t length = strlen(text);
    if (*text == '5') refusals++;
    if (c->out_start + c->out_length + length > c->out_room) {
        if (c->out_start) memmove(c->out, c->out + c->out_start, c->out_length);
        c->out_start = 0;
        if (c->out_length + length > c->out_room) {
            c->out_room = 2 * (c->out_length + length) + 1024;
            c->out = realloc(c->out, c->out_room);
            if (!c->out) fail("realloc");
        }
    }
    memcpy(c->out + c->out_start + c->out_length, text, length);
    c->out_length += length;
}

static void forget(struct connection *c) {
    c->mail = c->recipients = c->chunked = 0;
    c->octets = 0;
}

static void accepted(struct connection *c) {
    messages++;
    octets_in_all += c->octets;
    forget(c);
    reply(c, "250 2.0.0 Ok\r\n");
}

static void begin_chunk(struct connection *c, const char *line) {
    char *end;
    errno = 0;
    c->left = strtoull(line + 4, &end, 10);
    if (end == line + 4 || errno) {
        /* What follows cannot be told from commands. */
        reply(c, "501 5.5.4 BDAT <octets> [LAST]\r\n");
        c->closing = 1;
        return;
    }
    while (*end == ' ') end++;
    c->last = strncasecmp(end, "LAST", 4) == 0;
    c->refused = c->recipients == 0;
    c->chunked = 1;
    c->state = CHUNK;
}

static void end_chunk(struct connection *c) {
    c->state = COMMANDS;
    if (c->refused) {
        forget(c);
        reply(c, "503 5.5.1 RCPT first\r\n");
    } else if (c->last) {
        accepted(c);
    } else {
        reply(c, "250 2.0.0 Ok\r\n");
    }
}

static int is(const char *line, const char *verb) { return strncasecmp(line, verb, 4) == 0; }

/* `line` ends in NUL in place of CR LF. */
static void command(struct connection *c, const char *line) {
    if (is(line, "MAIL")) {
        if (c->mail) {
            reply(c, "503 5.5.1 Nested MAIL\r\n");
        } else {
            c->mail = 1;
            reply(c, "250 2.1.0 Ok\r\n");
        }
    } else if (is(line, "RCPT")) {
        if (c->mail) {
            c->recipients++;
            reply(c, "250 2.1.5 Ok\r\n");
        } else {
            reply(c, "503 5.5.1 MAIL first\r\n");
        }
    } else if (is(line, "DATA")) {
        if (c->recipients == 0 || c->chunked) {
            reply(c, "503 5.5.1 RCPT first, and no DATA behind BDAT\r\n");
        } else {
            c->state = DATA;
            c->matched = 2; /* the command ended in CR LF */
            c->octets = 0;
            reply(c, "354 End with a lone dot\r\n");
        }
    } else if (is(line, "BDAT") && knows_chunking) {
        begin_chunk(c, line);
    } else if (is(line, "RSET")) {
        forget(c);
        reply(c, "250 2.0.0 Ok\r\n");
    } else if (is(line, "NOOP")) {
        reply(c, "250 2.0.0 Ok\r\n");
    } else if (is(line, "EHLO")) {
        forget(c);
        reply(c, hello);
    } else if (is(line, "HELO")) {
        forget(c);
        reply(c, "250 sink.test\r\n");
    } else if (is(line, "QUIT")) {
        c->closing = 1;
        reply(c, "221 2.0.0 Bye\r\n");
    } else {
        reply(c, "500 5.5.2 What?\r\n");
    }
}

/* Read the body from `from`; where what follows it begins. */
static const char *take_data(struct connection *c, const char *from, const char *end) {
    const char *at = from;
    while (at < end) {
        if (c->matched == 0) {
            at = memchr(at, '\r', end - at);
            if (!at) {
                at = end;
                break;
            }
            c->matched = 1;
            at++;
            continue;
        }
        char byte = *at++;
        if (byte == '\r') {
            c->matched = c->matched == 3 ? 4 : 1;
        } else if (byte == '\n' && c->matched == 1) {
            c->matched = 2;
        } else if (byte == '.' && c->matched == 2) {
            c->matched = 3;
            c->octets--; /* a dot that was put there for the way, or the one that ends it all */
        } else if (byte == '\n' && c->matched == 4) {
            c->octets += at - from;
            c->octets -= 2; /* the lone dot's own CR LF */
            c->state = COMMANDS;
            accepted(c);
            return at;
        } else {
            c->matched = 0;
        }
    }
    c->octets += at - from;
    return at;
}

static const char *take_chunk(struct connection *c, const char *at, const char *end) {
    uint64_t part = end - at;
    if (part > c->left) part = c->left;
    c->left -= part;
    c->octets += part;
    if (c->left == 0) end_chunk(c);
    return at + part;
}

static const char *take_line(struct connection *c, const char *at, const char *end) {
    const char *newline = memchr(at, '\n', end - at);
    size_t length = (newline ? newline + 1 : end) - at;
    if (c->line_length + length >= LINE) {
        reply(c, "500 5.5.2 Line too long\r\n");
        c->closing = 1;
        return end;
    }
    memcpy(c->line + c->line_length, at, length);
    c->line_length += length;
    if (!newline) return end;
    while (c->line_length > 0 && (c->line[c->line_length - 1] == '\n' || c->line[c->line_length - 1] == '\r'))
        c->line_length--;
    c->line[c->line_length] = 0;
    c->line_length = 0;
    command(c, c->line);
    if (c->state == CHUNK && c->left == 0) end_chunk(c);
    return newline + 1;
}

static void serve(struct connection *c, int slot) {
    static char buffer[READ];
    ssize_t length = recv(c->fd, buffer, sizeof buffer, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0) {
        drop(c);
        return;
    }
    size_t before = c->out_length;
    const char *at = buffer, *end = buffer + length;
    while (at < end && !c->closing) {
        if (c->state == COMMANDS) {
            at = take_line(c, at, end);
        } else {
            at = c->state == DATA ? take_data(c, at, end) : take_chunk(c, at, end);
        }
    }
    size_t fresh = c->out_length - before;
    if (fresh == 0) return;
    if (delay) {
        leave_later(c, slot, fresh, now());
    } else {
        c->may_leave += fresh;
        flush(c, slot);
    }
}

static void greet(void) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1, slot = 0;
        if (fd < 0) return;
        while (slot < MOST && connections[slot].fd >= 0) slot++;
        if (slot == MOST) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct connection *c = &connections[slot];
        uint32_t generation = c->generation;
        memset(c, 0, sizeof *c);
        c->fd = fd;
        c->generation = generation;
        sessions++;
        watch(fd, slot, EPOLLIN, EPOLL_CTL_ADD);
        reply(c, "220 sink.test ESMTP\r\n");
        if (delay) {
            leave_later(c, slot, c->out_length, now());
        } else {
            c->may_leave = c->out_length;
            flush(c, slot);
        }
    }
}

static void tell(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"sessions\": %lu, \"messages\": %lu, \"octets\": %lu, \"refusals\": %lu, \"cpu\": %.6f}\n",
           (unsigned long)sessions, (unsigned long)messages, (unsigned long)octets_in_all, (unsigned long)refusals, cpu);
    fflush(stdout);
}

static void open_all(int port) {
    connections = calloc(MOST, sizeof *connections);
    if (!connections) fail("calloc");
    for (int slot = 0; slot < MOST; slot++) connections[slot].fd = -1;
    poller = epoll_create1(EPOLL_CLOEXEC);
    int one = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0) fail("bind");
    if (listen(listener, 1024) < 0) fail("listen");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    watch(listener, LISTENER, EPOLLIN, EPOLL_CTL_ADD);
    watch(STDIN_FILENO, CONTROL, EPOLLIN, EPOLL_CTL_ADD);
    watch(signalfd(-1, &set, SFD_CLOEXEC), SIGNAL, EPOLLIN, EPOLL_CTL_ADD);
    watch(timer, TIMER, EPOLLIN, EPOLL_CTL_ADD);
    socklen_t length = sizeof here;
    getsockname(listener, (struct sockaddr *)&here, &length);
    printf("listening %d\n", ntohs(here.sin_port));
    fflush(stdout);
}

static void announce(int count, char **withheld) {
    static const char *extensions[] = {"PIPELINING", "SIZE 52428800", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING"};
    strcpy(hello, "250-sink.test\r\n");
    size_t last = 0;
    for (size_t n = 0; n < sizeof extensions / sizeof *extensions; n++) {
        int known = 1;
        for (int x = 0; x < count; x++) {
            if (strncasecmp(extensions[n], withheld[x], strlen(withheld[x])) == 0) known = 0;
        }
        if (!known) {
            if (strcmp(extensions[n], "CHUNKING") == 0) knows_chunking = 0;
            continue;
        }
        last = strlen(hello);
        sprintf(hello + last, "250-%s\r\n", extensions[n]);
    }
    hello[last + 3] = ' ';
}

int main(int argc, char **argv) {
    char *withheld[8];
    int count = 0, option;
    while ((option = getopt(argc, argv, "d:x:")) != -1) {
        if (option == 'd') delay = atoll(optarg) * 1000;
        else if (option == 'x' && count < 8) withheld[count++] = optarg;
        else return 2;
    }
    if (optind != argc - 1) return 2;
    announce(count, withheld);
    open_all(atoi(argv[optind]));
    struct epoll_event events[EVENTS];
    for (;;) {
        int found = epoll_wait(poller, events, EVENTS, -1);
        for (int n = 0; n < found; n++) {
            uint64_t name = events[n].data.u64;
            if (name == LISTENER) {
                greet();
            } else if (name == TIMER) {
                release_due();
            } else if (name == SIGNAL) {
                tell();
                return 0;
            } else if (name == CONTROL) {
                char words[64];
                ssize_t length = read(STDIN_FILENO, words, sizeof words);
                tell();
                if (length <= 0) return 0;
            } else {
                struct connection *c = &connections[name];
                if (c->fd >= 0 && events[n].events & EPOLLOUT) flush(c, name);
                if (c->fd >= 0 && events[n].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) serve(c, name);
            }
        }
    }
}
