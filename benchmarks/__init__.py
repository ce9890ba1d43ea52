"""Measurements that anyone can repeat; see docs/explanation/performance.md."""
