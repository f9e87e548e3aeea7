"""What was given as a file, taken apart: mails, Outlook's messages, archives, workbooks, tables."""
