"""S3 storage: results as objects in AWS S3, MinIO and their like."""
