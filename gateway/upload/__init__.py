"""The body of an upload, from form fields to the chunks of a gRPC stream."""
