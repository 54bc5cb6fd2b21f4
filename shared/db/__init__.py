"""PostgreSQL, where the truth lives: tables, sessions, and one repository per aggregate."""
