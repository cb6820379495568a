"""People from elsewhere: files and directory services; what would change is planned before it is.

`plan` decides, purely; `applying` carries a plan out, slice by slice; `csv_file` and `ldap` read.
"""
