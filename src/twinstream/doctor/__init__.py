"""`twinstream doctor`: legal but nasty traffic played at any client, and what the client does with it graded."""
