"""The record: what was launched, what is to be sent, what became of it.

The only place where faces and runners meet.
"""
