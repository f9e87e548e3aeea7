"""The other side: each module with a `main` is a process that ends when its standard input closes."""
