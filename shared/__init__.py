"""What two or more of the services need: no business decisions live here."""
