"""What Slurm takes at most: the cluster's numbers, and those of association, account and QOS."""

from __future__ import annotations

import pytest

from hsm_core.errors import NoAnswer
from hsm_core.hosts.interface import Done
from hsm_core.schedulers.interface import Allowed, Limit
from hsm_core.schedulers.slurm.commands import Commands
from hsm_core.schedulers.slurm.limits import read_allowed
from hsm_core.testing.recording import RecordingHost

CONFIG = "MaxArraySize            = 1001\nMaxJobCount             = 10000\nAccountingStorageEnforce = {}\n"
PARTITIONS = "PartitionName=debug Default=YES QoS=N/A\nPartitionName=big Default=NO QoS=wide\n"
#: default account, account, partition, MaxSubmitJobs, default QOS, QOS
USER = "physics|physics||40||normal,long\nphysics|physics|big|8|long|long\nphysics|chem||||normal\n"
#: name, MaxSubmitJobsPU, MaxSubmitJobsPA, GrpSubmitJobs
QOS = "normal|20||\nlong|5|50|\nwide|||300\nother|1|1|1\n"
CLUSTER = RecordingHost({
    "scontrol show config": CONFIG.format("associations,limits,qos"),
    "scontrol -o show partition": PARTITIONS,
    "sacctmgr -n -P show user": USER,
    "sacctmgr -n -P show qos": QOS,
    "sacctmgr -n -P show assoc where account=physics": "|science|100\nann|science|3\n",
    "sacctmgr -n -P show assoc where account=science": "|root|\n",
    "sacctmgr -n -P show assoc where account=root": "||\n",
    "sacctmgr -n -P show assoc where account=chem": "|root|9\n",
})  # fmt: skip
WHOLE = Limit(10000, "MaxJobCount")
OF_ACCOUNT = Limit(100, "account physics: GrpSubmitJobs", account="physics")


def read(queue: str | None = None, account: str | None = None, qos: str | None = None) -> Allowed:
    return read_allowed(Commands(CLUSTER), queue, account, qos)


def test_arrays_are_as_large_as_the_cluster_says() -> None:
    found = read()
    assert (found.array_index, found.array_size, found.sizes_from) == (1001, 1001, "MaxArraySize=1001")


@pytest.mark.parametrize(
    ("where", "limits"),
    [
        (
            {},
            [
                Limit(40, "account physics: MaxSubmitJobs", account="physics"),
                OF_ACCOUNT,
                Limit(20, "QOS normal: MaxSubmitJobsPU", qos="normal"),
            ],
        ),
        (
            {"queue": "big"},  # an association of its own, whose QOS is the default there; and the partition's
            [
                Limit(8, "account physics: MaxSubmitJobs", account="physics"),
                OF_ACCOUNT,
                Limit(5, "QOS long: MaxSubmitJobsPU", qos="long"),
                Limit(50, "QOS long: MaxSubmitJobsPA", qos="long", account="physics"),
                Limit(300, "QOS wide: GrpSubmitJobs", queue="big"),
            ],
        ),
        (
            {"account": "chem", "qos": "long"},
            [
                Limit(9, "account chem: GrpSubmitJobs", account="chem"),
                Limit(5, "QOS long: MaxSubmitJobsPU", qos="long"),
                Limit(50, "QOS long: MaxSubmitJobsPA", qos="long", account="chem"),
            ],
        ),
    ],
)
def test_the_limits_are_those_of_where_a_job_would_be_counted(
    where: dict[str, str], limits: list[Limit]
) -> None:
    assert list(read(**where).limits) == [WHOLE, *limits]


def test_limits_that_are_not_enforced_are_not_asked_for() -> None:
    host = RecordingHost({"scontrol show config": CONFIG.format("none")})
    assert read_allowed(Commands(host), None, None, None).limits == (WHOLE,)
    assert len(host.calls) == 1


def test_an_accounting_that_does_not_answer_sets_no_limit() -> None:
    silent = {"sacctmgr": Done((), 1, "", "sacctmgr: error: Unable to contact slurmdbd")}
    kept = {line: reply for line, reply in CLUSTER.replies.items() if line.startswith("scontrol")}
    assert read_allowed(Commands(RecordingHost({**kept, **silent})), None, None, None).limits == (WHOLE,)


def test_accounts_in_a_circle_are_asked_once_each() -> None:
    circle = {"sacctmgr -n -P show assoc where account=root": "|physics|7\n"}
    host = RecordingHost({**CLUSTER.replies, **circle})
    found = read_allowed(Commands(host), None, None, None).limits
    assert Limit(7, "account root: GrpSubmitJobs", account="physics") in found
    assert sum("assoc" in call.argv for call in host.calls) == 3


def test_without_the_controller_nothing_is_known() -> None:
    host = RecordingHost({"scontrol": Done((), 1, "", "slurm_load_ctl_conf error: Unable to contact")})
    with pytest.raises(NoAnswer):
        read_allowed(Commands(host), None, None, None)
