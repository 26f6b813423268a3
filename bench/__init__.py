"""Benchmarks against floors and peers. Run `python -m bench.run`; see bench/README.md."""
