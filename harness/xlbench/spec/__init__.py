"""What people and plugins say: read, and checked against the types that it should have."""
