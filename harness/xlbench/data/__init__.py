"""Text and labelled data as studies use them: languages, scripts, clean text, examples that were checked."""
