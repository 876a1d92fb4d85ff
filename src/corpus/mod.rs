//! Readers: files in, statements and paragraphs out.
