"""The embedded backend: Pub/Sub and Firestore in one Python process, for machines without Java and the Cloud SDK.

It keeps everything in memory and speaks the real gRPC and REST protocols to unmodified client libraries.
"""
