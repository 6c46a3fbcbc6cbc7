"""Google Sheets as a kind of list: a sheet is fetched into a private copy, which is then read like a file."""
