"""Pieces that every form reads: status codes in text, hosts and addresses, times, labels."""
