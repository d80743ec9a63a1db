"""What upstreams say in the format of Anthropic's Messages. Template's file: do not edit."""
