"""Who we send as: accounts of the settings file, and where their passwords are kept."""
