"""The command line `neuralearn`: what users do, over REST, and what operators do, if the services are installed."""
