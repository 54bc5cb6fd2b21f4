"""Pictures of charts; runs in a child process, so it knows neither services nor stores."""
