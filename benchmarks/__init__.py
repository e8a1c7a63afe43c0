"""What Sampan costs: `python -m benchmarks [NAME …]`, ratios against a floor of the same run."""
