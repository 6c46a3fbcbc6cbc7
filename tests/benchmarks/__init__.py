"""What the benchmarks stand on: the sink counts right, references and ours send the same mail, the gates hold."""
