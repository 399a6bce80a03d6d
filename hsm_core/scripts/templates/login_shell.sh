#!/bin/bash -l
# The shell of a PBS job, in place of a plain login shell: qsig signals it too, and a warning would end it, and so the
# job. What it starts finds both signals as they usually are.
trap : USR1 USR2

# how PBS was built says how it tells a shell what to run: as an argument, as a script on standard input, or by lines
# there that name it
case ${1:-} in
  -*) exec -l /bin/bash "$@" ;;
  ?*) "$@"; exit ;;
esac
if [ -f /dev/stdin ]; then
  . /dev/stdin
  exit
fi
while IFS= read line; do
  eval "$line"
done
