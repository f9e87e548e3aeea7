"""The library: targets and network in, Diagnosis out. It knows no user and no chat. Start reading at `diagnose.py`."""
