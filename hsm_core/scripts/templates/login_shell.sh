#!/bin/bash -l
# The shell of a PBS job, in place of a plain login shell: qsig signals it too, and a warning would end it, and so the
# job. What it starts finds both signals as they usually are.
trap : USR1 USR2

# PBS writes the job's file to standard input, or names it
if [ $# -gt 0 ]; then
  "$@"
  exit
fi
while IFS= read line; do
  eval "$line"
done
