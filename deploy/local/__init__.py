"""The whole system on one machine: embedded servers and the processes of NeuraLearn under one supervisor."""
