"""What mailtui is measured with: `make bench`, or `python -m benchmarks`. See docs/performance.md."""
