"""Drives a run: claims it, starts steps, gathers what their containers say, ends it.

The driver's thread alone touches the database. It works for a limited time, releases the run and
rings again; a run that waits for another run or for a person has no driver.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby, islice
from queue import Empty, Queue
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from inventory.host_keys import note_shown_host_key
from inventory.models import Container
from inventory.ssh import SSHError, target_for
from provisioning.engine.bell import ring
from provisioning.engine.board import Board
from provisioning.engine.bracket import (
    begin_dry_run,
    begin_run,
    cancelled_words,
    end_run,
    failed_words,
    no_longer_allowed,
    take_locks,
    wait_for_person,
)
from provisioning.engine.chains import STEPS_AT_MOST, chain
from provisioning.engine.lease import LeaseLostError, claim, holding, release
from provisioning.engine.ledger import Ledger, Open
from provisioning.engine.pace import Pace
from provisioning.engine.session import (
    Answered,
    Begun,
    Crashed,
    Ended,
    Event,
    FencedOut,
    Job,
    Output,
    Session,
    Stranger,
    Trouble,
    Withdrawn,
)
from provisioning.engine.target import Fence
from provisioning.engine.vault import (
    ValueMissingError,
    files_for,
    masker_for,
    registered_values,
    secret_values,
)
from provisioning.models import Attempt, Run, Step
from provisioning.states import Outcome, RunStatus, StepStatus, WaitsFor

logger = logging.getLogger(__name__)
# Each may carry 64 KiB of output; sessions wait while the driver is behind.
EVENTS_AT_MOST = 40
# A write is dear: where so many attempts run, one that ended waits so long for others.
MANY, HEELS_S = 50, 0.05


def drive(run_id: UUID, *, pace: Pace | None = None) -> None:
    """Carry a run on from wherever it stands; a second driver finds the lease taken and leaves."""
    pace = pace or Pace.from_settings()
    run = claim(run_id, lease_s=pace.lease_s)
    if run is None:
        return
    driver = Driver(run, pace)
    try:
        driver.work()
    except LeaseLostError as error:
        logger.info("%s", error)
    except (OperationalError, InterfaceError):
        raise  # The lease ends and the sweep finds another driver.
    except Exception as error:
        # A bug: without this it would be driven into the same wall for ever.
        with suppress(LeaseLostError), holding(run, lease_s=pace.lease_s) as fresh:
            end_run(fresh, RunStatus.FAILED, f"The engine failed: {type(error).__name__}.")
        raise
    finally:
        driver.leave()


class Driver:
    """One driver's time with a run."""

    def __init__(self, run: Run, pace: Pace) -> None:
        self._run, self._pace = run, pace
        self._events: Queue[Event] = Queue(EVENTS_AT_MOST)
        self._sessions: dict[int, Session] = {}
        self._jobs: dict[UUID, Job] = {}
        # Why a greeted container does not answer: empty when it does, None while that is open.
        self._greeted: dict[str, str | None] = {}
        self._cancelling = run.status == RunStatus.CANCELLING

    def work(self) -> None:
        """Drive until the run ends or waits, or the time is over."""
        if not self._begin():
            return
        self._load()
        until = time.monotonic() + self._pace.drive_s
        self._send(self._resume())
        while not self._settled():
            if time.monotonic() > until:
                self._hand_over()
                return
            begun = self._start_steps()
            self._write()
            self._send(begun)
            self._gather()

    def leave(self) -> None:
        """Let the containers go; what runs there goes on."""
        for session in self._sessions.values():
            session.stop()

    def _begin(self) -> bool:
        """Lock the containers; without them the run waits, and has no driver meanwhile."""
        with holding(self._run, lease_s=self._pace.lease_s) as run:
            if self._cancelling or run.locks.exists():
                return True
            if reason := no_longer_allowed(run):
                end_run(run, RunStatus.FAILED, reason)
                return False
            if run.is_dry:
                begin_dry_run(run)
                return True
            if reason := take_locks(run):
                run.move(
                    RunStatus.WAITING,
                    waits_for=WaitsFor.LOCKS,
                    reason=reason,
                    lease_expires_at=None,
                    driver="",
                )
                return False
            begin_run(run)
            return True

    def _load(self) -> None:
        """Read everything the loop needs, secrets included: they are generated here."""
        # The specs of all steps together may be large: each is read when its step begins.
        self._board = Board(
            self._run.steps.defer("spec"), self._run.stages, is_dry=self._run.is_dry
        )
        lost = Attempt.objects.filter(
            step__run=self._run, outcome=Outcome.LOST, created_at__gte=self._run.queued_at
        )
        self._board.lost = Counter(lost.values_list("step", flat=True))
        pks = {step.container_id for step in self._board.steps.values()}
        self._containers: dict[int | None, Container] = {
            row.pk: row
            for row in Container.objects.filter(pk__in=[pk for pk in pks if pk]).with_login()
        }
        self._pace = self._pace.for_containers(len(self._containers))
        keys = self._run.data.get("secrets", ())
        self._secrets = secret_values(self._run.cluster, keys, is_dry=self._run.is_dry)
        self._registered = registered_values(self._run)
        user = self._run.requested_by
        masker = masker_for(self._secrets, self._containers.values(), user=user)
        self._ledger = Ledger(self._run, masker, self._pace)

    def _resume(self) -> list[list[Open]]:
        """Take up what an earlier driver left, container by container in the order of steps."""
        entries = self._ledger.resume(self._board.steps)
        entries.sort(key=lambda entry: (entry.step.container_name, entry.step.position))
        self._note_sent(entries)
        grouped = groupby(entries, key=lambda entry: entry.step.container_name)
        return [list(group) for _, group in grouped]

    def _note_sent(self, entries: Iterable[Open]) -> None:
        """Remember what begins by itself."""
        steps = (entry.step for entry in entries)
        self._board.sent |= {step.pk for step in steps if step.status == StepStatus.PENDING}

    def _start_steps(self) -> list[list[Open]]:
        """Note that whatever may begin does; return it, to be sent once that is written.

        Each list is what one container carries out, one after the other.
        """
        begun: list[list[Open]] = []
        while not self._cancelling and (ready := self._board.ready()):
            if not self._quorum_answers():
                break
            heads = [step for step in ready if self._has_session(step)]
            begun += [self._ledger.start(steps) for steps in self._chains(heads)]
            self._note_sent(entry for entries in begun for entry in entries)
        return begun

    def _chains(self, heads: list[Step]) -> Iterator[Iterator[Step]]:
        """Yield what may be sent with each of these steps, itself first."""
        along = {h.pk: list(islice(self._board.followers(h), STEPS_AT_MOST - 1)) for h in heads}
        specs = self._specs(step for head in heads for step in (head, *along[head.pk]))
        for head in heads:
            yield chain(head, along[head.pk], specs, self._registered)

    def _specs(self, steps: Iterable[Step]) -> dict[UUID, dict[str, Any]]:
        """Read the specs of steps."""
        pks = [step.pk for step in steps]
        return dict(Step.objects.filter(pk__in=pks).values_list("pk", "spec") if pks else ())

    def _quorum_answers(self) -> bool:
        """Tell whether enough containers answer for the stage to begin; greets them first."""
        stage = self._board.stage
        if stage is None or not stage.quorum or stage.has_begun:
            return True
        well = self._board.well(stage)
        for step in stage.steps:
            if step.container_name in well and step.container_name not in self._greeted:
                self._greet(step)
        answers = [self._greeted.get(name) for name in well]
        if answers.count("") >= stage.quorum:
            self._explain("")
            return True
        if answers.count("") + answers.count(None) < stage.quorum:
            silent = "; ".join(sorted({text for text in answers if text}))
            self._board.stopped = (
                f"{stage.title} needs {stage.quorum} containers that answer and has "
                f"{answers.count('')}: nothing of it was begun. {silent}"
            )
        else:
            self._explain(f"{stage.title} begins when {stage.quorum} containers answer.")
        return False

    def _explain(self, reason: str) -> None:
        """Say what a run that is driven waits for; empty when for nothing any more."""
        if self._run.reason != reason:
            with holding(self._run, lease_s=self._pace.lease_s):
                Run.objects.filter(pk=self._run.pk).update(reason=reason)
            self._run.reason = reason

    def _greet(self, step: Step) -> None:
        """See whether a step's container answers."""
        self._greeted[step.container_name] = None
        try:
            self._session(step).greet()
        except SSHError as error:
            self._greeted[step.container_name] = str(error)

    def _has_session(self, step: Step) -> bool:
        """Have a session for a step's container, or fail the step with the reason."""
        try:
            self._session(step)
        except SSHError as error:
            self._ledger.fail(step, str(error))
            return False
        return True

    def _session(self, step: Step) -> Session:
        """Return the session of a step's container; raises SSHError where there can be none."""
        container = self._containers.get(step.container_id)
        if container is None:
            raise SSHError(f"Container {step.container_name} is no longer there.")
        if container.pk not in self._sessions:
            fence = Fence(self._run.pk, self._run.epoch)
            target = target_for(container, user=self._run.requested_by)
            self._ledger.logins[container.pk] = target.login
            session = Session(target, fence, self._events, self._pace)
            self._sessions[container.pk] = session
            session.start()
        return self._sessions[container.pk]

    def _send(self, chains: list[list[Open]]) -> None:
        """Give attempts to their containers' sessions."""
        specs = self._specs(entry.step for entries in chains for entry in entries)
        for entries in chains:
            self._send_chain(entries, specs)

    def _send_chain(self, entries: list[Open], specs: Mapping[UUID, dict[str, Any]]) -> None:
        """Give the attempts of one container to its session, or say why they cannot begin."""
        try:
            session = self._session(entries[0].step)
            jobs = [self._job(entry, specs[entry.step.pk]) for entry in entries]
        except ValueMissingError as error:
            return self._give_up(entries, Outcome.FAILED, str(error))
        except SSHError as error:
            return self._give_up(entries, Outcome.LOST, str(error))
        self._jobs.update({job.attempt: job for job in jobs})
        return session.carry_out(jobs)

    def _give_up(self, entries: list[Open], outcome: Outcome, why: str) -> None:
        """Note that attempts cannot even be sent."""
        for entry in entries:
            if entry.step.pk in self._board.sent:
                self._note_withdrawn(entry.attempt.pk)
            else:
                self._note_end(Ended(entry.attempt.pk, outcome, message=why))

    def _job(self, entry: Open, spec: dict[str, Any]) -> Job:
        """Make what a session carries out; raises ValueMissingError."""
        attempt, step = entry.attempt, entry.step
        job = Job(
            attempt.pk,
            self._files(step, spec),
            step.timeout_s,
            offset=attempt.byte_offset,
            begun=attempt.begun_at is not None,
            sent=attempt.epoch < self._run.epoch,
            follows=step.pk in self._board.sent,
            fresh_connection=spec.get("fresh_connection", False),
            registers=bool(step.register) and not self._run.is_dry,
        )
        if self._cancelling:
            job.cancelled.set()
        return job

    def _files(self, step: Step, spec: dict[str, Any]) -> dict[str, str]:
        """Return the files of an attempt; what follows a change is not asked whether it is due."""
        if self._run.is_dry and self._board.has_changed(step, spec.get("follows", ())):
            spec = {**spec, "probe": ""}
        return files_for(step, spec, self._secrets, self._registered, is_dry=self._run.is_dry)

    def _gather(self) -> None:
        """Take events for as long as a flush may wait; an end waits for others at its heels."""
        until = time.monotonic() + self._pace.flush_s
        heels_s = min(HEELS_S, HEELS_S * len(self._ledger.opened) / MANY)
        with suppress(Empty):
            while True:
                event = self._events.get(timeout=max(0, until - time.monotonic()))
                self._note(event)
                if self._ledger.is_full:
                    until = 0
                elif isinstance(event, Ended):
                    until = min(until, time.monotonic() + heels_s)

    def _note(self, event: Event) -> None:
        """Note one event."""
        match event:
            case Answered(container, message):
                self._greeted[container] = message
            case Begun(attempt):
                self._ledger.begun(attempt)
            case Withdrawn(attempt):
                self._note_withdrawn(attempt)
            case Output(attempt, at, data):
                self._ledger.printed(attempt, at, data)
            case Trouble(attempt, message):
                self._ledger.troubled(attempt, message)
            case Ended():
                self._note_end(event)
            case Stranger(container, fingerprint):
                self._note_stranger(container, fingerprint)
            case FencedOut():
                raise LeaseLostError(f"{self._run}: a newer driver was on a target.")
            case Crashed(error):
                raise error

    def _note_stranger(self, name: str, fingerprint: str) -> None:
        """Tell the inventory that a container shows another host key than the pinned one."""
        for row in self._containers.values():
            if row.name == name:
                note_shown_host_key(row.pk, fingerprint)

    def _note_withdrawn(self, attempt: UUID) -> None:
        """Note that an attempt was never begun."""
        self._jobs.pop(attempt, None)
        self._board.sent.discard(self._ledger.withdrawn(attempt).pk)

    def _note_end(self, event: Ended) -> None:
        """Note the end of an attempt."""
        self._jobs.pop(event.attempt, None)
        step = self._ledger.ended(
            event.attempt,
            Outcome(event.outcome),
            event.phase,
            event.exit_code,
            event.message,
            event.registered,
        )
        self._board.sent.discard(step.pk)
        if step.register and step.is_done:
            self._registered[f"{step.node_name}/{step.register}"] = step.registered
        if step.status == StepStatus.LOST:
            self._board.lost[step.pk] = self._board.lost.get(step.pk, 0) + 1

    def _write(self) -> None:
        """Commit, and see what people want meanwhile."""
        fresh = self._ledger.write()
        if fresh is None:
            return
        if fresh.status == RunStatus.CANCELLING and not self._cancelling:
            self._cancelling = True
            for job in self._jobs.values():
                job.cancelled.set()
        self._refresh_waiting()

    def _refresh_waiting(self) -> bool:
        """See which steps a person has decided on; tells whether any."""
        pks = [step.pk for step in self._board.waiting()]
        decided = Step.objects.filter(pk__in=pks).exclude(status=StepStatus.WAITING)
        rows = list(decided) if pks else []
        for row in rows:
            self._board.steps[row.pk].refresh_from_db(fields=("status", "message", "confirmed_at"))
        return bool(rows)

    def _settled(self) -> bool:
        """End the run, or let it wait, when nothing runs and nothing may begin."""
        if self._ledger.opened or (self._board.ready() and not self._cancelling):
            return False
        self._ledger.write()
        with holding(self._run, lease_s=self._pace.lease_s) as run:
            self._cancelling = run.status == RunStatus.CANCELLING
            if not self._cancelling and self._refresh_waiting():
                return False
            self._conclude(run)
        return True

    def _conclude(self, run: Run) -> None:
        """Say how it ends."""
        bad, waiting = self._board.bad(), self._board.waiting()
        if self._cancelling:
            end_run(run, RunStatus.CANCELLED, cancelled_words(run))
        elif waiting:
            wait_for_person(run, waiting)
        elif bad or self._board.stopped:
            end_run(run, RunStatus.FAILED, failed_words(self._board.stopped, bad))
        else:
            end_run(run, RunStatus.SUCCEEDED, "")

    def _hand_over(self) -> None:
        """Give the run to the next driver; what runs on the targets goes on."""
        with transaction.atomic():
            if release(self._run):
                ring(self._run.pk)
