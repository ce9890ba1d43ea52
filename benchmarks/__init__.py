"""Measurements that anyone can repeat; see docs/performance.md."""
