"""The shell ``lsmsql PATH``, with the habits of the sqlite3 shell; it builds on apsw's.

``arguments`` reads the command line and imports nothing heavy; ``run`` does what it says.
"""
