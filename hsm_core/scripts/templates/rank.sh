#!/bin/bash
# Becomes one rank of a task: rank.sh <run> <ranks> <ranks a node> <command …>
# <run> is a directory of this start of the job, in which what its set-up made lies and ranks draw numbers.

# where nothing of the job's environment was passed on, there is at least a login's
[ -n "${HSM_SET_UP-}" ] || HSM_SET_UP=1 exec /bin/bash -l "$0" "$@"
unset HSM_SET_UP
run=$1 ranks=$2 per_node=$3
shift 3

# not every starter of ranks passes on what the job's own set-up made, and some know less than the job
home_of_node=("HOSTNAME=$HOSTNAME" "TMPDIR=${TMPDIR:-/tmp}" "PBS_NODENUM=${PBS_NODENUM:-0}")
if ! [ -O "$run/environment" ] || [ -L "$run/environment" ]; then
  echo "hsm: $run/environment is not this user's own" >&2
  exit 1
fi
. "$run/environment"
export "${home_of_node[@]}"

# the lowest number from 0 on that nobody has taken: making a directory succeeds once, on a shared disk too
draw() {
  drawn=0
  while ! mkdir "$1$drawn" 2>/dev/null; do
    [ -d "$1$drawn" ] || exit 1
    drawn=$((drawn + 1))
  done
}

HSM_RANK=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-${PMIX_RANK:-}}}
HSM_LOCAL_RANK=${OMPI_COMM_WORLD_LOCAL_RANK:-${MPI_LOCALRANKID:-}}
if [ -z "$HSM_LOCAL_RANK" ]; then
  draw "$run/on-$(uname -n)-"
  HSM_LOCAL_RANK=$drawn
fi
if [ -z "$HSM_RANK" ]; then
  # pbsdsh starts one for each core of Torque's
  [ "$HSM_LOCAL_RANK" -lt "$per_node" ] || exit 0
  draw "$run/rank-"
  HSM_RANK=$drawn
fi
[ "$HSM_RANK" -lt "$ranks" ] || exit 0
export HSM_RANK HSM_LOCAL_RANK
exec "$@"
