"""The dashboard shows people the fleet as it is, and takes what they do about its alerts.

An HTTP function: one page, the files it is made of, and the JSON it asks for (web.py). What all open pages show is one
snapshot (fleet.py), read only while somebody looks, and never faster than an allowance permits (allowance.py).
"""
