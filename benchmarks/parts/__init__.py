"""The parts of the benchmarks: each is one function of a `Size` that gives a `Report`."""
