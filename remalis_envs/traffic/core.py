"""The traffic world behind the environment: signals, demand, incidents, detectors and what they yield as arrays.

It knows nothing of PettingZoo; it runs in the caller's process or, unchanged, in a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import ScenarioError, SumoError
from remalis_envs.traffic.core_config import SPLITS, Arrays, CoreConfig
from remalis_envs.traffic.detectors import DetectorField
from remalis_envs.traffic.disruptions import Disruptions
from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.programs import Control, with_programs
from remalis_envs.traffic.engine.readings import Counter, Counts, Vehicles
from remalis_envs.traffic.engine.signals import SignalControl
from remalis_envs.traffic.engine.simulation import Simulation, SimulationFiles
from remalis_envs.traffic.global_state import global_state
from remalis_envs.traffic.metrics import EpisodeRecord, summarise
from remalis_envs.traffic.network.model import MAX_ARMS
from remalis_envs.traffic.observer import Observer, SignalView
from remalis_envs.traffic.outcomes import Events, Tracker, misaligned_shares
from remalis_envs.traffic.render.recording import SceneLog
from remalis_envs.traffic.render.scene import Scene, take_scene
from remalis_envs.traffic.rewards import Reward, RewardInputs, names_of
from remalis_envs.traffic.sensing import outcome_seen, waiting_by_agent
from remalis_envs.traffic.served import Served
from remalis_envs.traffic.sources import Tables, TripSource, make_source
from remalis_envs.traffic.sumo_rl_view import SUMO_RL_REWARDS, SumoRLView

FIXED_SUMO_SEED = 42
"""SUMO's own seed in levels: what differs between episodes is drawn by us, so that a forked start state serves all."""


class TrafficCore:
    """One world. ``arrays`` holds the latest decision's results and is overwritten by the next."""

    def __init__(self, config: CoreConfig) -> None:
        self.config, self.scenario = config, config.scenario
        self.index = NetworkIndex(self.scenario.network)
        n = self.index.n_agents
        self.arrays = Arrays.empty(n)
        self.control = SignalControl(self.index, self.scenario.timing)
        self.counter, self.served, self.observer = Counter(self.index), Served(self.index), Observer(self.index)
        if config.observation == "default":
            self.arrays.observations = self.observer.array
        self.tracker = Tracker(self.index, self.scenario.timing.decision_s)
        self.reward = Reward(config.reward, config.reward_scope, self.index)
        self._programs = self._signals_of_programs(config.control)
        self._programmed = np.array([agent in self._programs for agent in self.scenario.network.agents], dtype=bool)
        self.simulation = Simulation(
            self._files(config.control), self.index, read_positions=np.isfinite(self.scenario.detectors.range_m)
        )
        self.sumo_rl: SumoRLView | None = None
        if config.observation == "sumo_rl" or not SUMO_RL_REWARDS.keys().isdisjoint(names_of(config.reward)):
            self.sumo_rl = SumoRLView(self.scenario.network, self.simulation)
        self.tables = Tables.of(self.scenario)
        self._crossing_shown = np.zeros(self.index.phase_exists.size, dtype=bool)
        self._crossing_shown[self.index.phase_crossing_row] = True
        self._sees_all = self.scenario.detectors.perfect
        self._zeros, self._no_subgoal = np.zeros(n), np.full(n, -1)
        self.now_s = self.scenario.files.begin_s
        self.scene_log: SceneLog | None = None

    # -- life -------------------------------------------------------------------------------------------------
    def reset(self, seed: int, options: dict[str, Any]) -> None:
        """Begin an episode. ``options`` may hold ``outages``: (agent index, begin_s, end_s) triples."""
        self.load(seed)
        self.begin(seed, options)

    def load(self, seed: int) -> None:
        """Load the simulation at its beginning; in levels the same for every seed."""
        self.simulation.load(self.sumo_seed(seed))

    def sumo_seed(self, seed: int) -> int:
        """SUMO's own seed for an episode's ``seed``."""
        if self.scenario.demand is not None:
            return FIXED_SUMO_SEED
        if self.scenario.plain_seed:
            return seed & 0x7FFFFFFF
        drawn = np.random.SeedSequence([seed, SPLITS.index(self.config.split), 1]).generate_state(1)[0]
        return int(drawn) & 0x7FFFFFFF

    def begin(self, seed: int, options: dict[str, Any]) -> None:
        """Draw the episode of ``seed`` for a simulation that has just been loaded."""
        scenario = self.scenario
        streams = np.random.SeedSequence([seed, SPLITS.index(self.config.split)]).spawn(3)
        demand_rng, incident_rng, detector_rng = map(np.random.default_rng, streams)
        begin = scenario.files.begin_s
        self.now_s, self.end_s = begin, begin + scenario.horizon_s
        self.record, self.outages = EpisodeRecord(self.index), options.get("outages", ())
        if self.config.emissions:
            self.record.co2_kg = self.record.fuel_l = 0.0
        self.disruptions = Disruptions(scenario, self.index, self.simulation, self.tables, incident_rng, self.end_s)
        self.source: TripSource = make_source(
            scenario,
            self.simulation,
            self.record,
            self.tables,
            self.disruptions.runtime,
            demand_rng,
            self.end_s,
        )
        self.detectors = DetectorField(scenario.detectors, self.index, detector_rng, begin, self.end_s)
        self.tracker.reset()
        if self.sumo_rl is not None:
            self.sumo_rl.reset()
        self.control.reset(begin, self._set_state)
        n = self.index.n_agents
        self._pedestrians = np.zeros(self.index.n_crossings)
        self._waiting_s = self._seen_waiting_s = np.zeros(n)
        self.arrays.masked[:], self.arrays.online[:] = False, True
        self._look(Events(np.zeros(self.index.n_arm_rows, np.int64), np.zeros(n, bool)), begun=True)

    def close(self) -> None:
        """End the simulation."""
        self.simulation.close()

    def _set_state(self, signal: str, state: str) -> None:
        if signal not in self._programs:
            self.simulation.set_state(signal, state)

    def _signals_of_programs(self, control: Control) -> frozenset[str]:
        """Signals that SUMO's programs run."""
        if isinstance(control, str):
            return frozenset(self.scenario.network.agents if control == "own" else ())
        return frozenset(control)

    def _files(self, control: Control) -> SimulationFiles:
        files = self.scenario.files
        return files if isinstance(control, str) else with_programs(files, control)

    # -- time -------------------------------------------------------------------------------------------------
    def step(self, actions: npt.NDArray[np.int64]) -> None:
        """Run one decision interval with ``actions``, int64 ``(N,)``; -1 stands for the safe default.

        Raises:
            ScenarioError: SUMO came to something in the scenario's own files that it does not accept.
            SumoError: SUMO stopped for another reason.
        """
        try:
            self._step(actions)
        except (self.simulation.sumo.TraCIException, self.simulation.sumo.FatalTraCIError) as error:
            said = " ".join(str(error).split())
            if self.scenario.demand is None:
                raise ScenarioError(
                    f"SUMO stopped soon after {self.now_s:g} s of {self.scenario.files.named}: {said}"
                ) from None
            raise SumoError(f"SUMO stopped: {said}") from None

    def _step(self, actions: npt.NDArray[np.int64]) -> None:
        until = min(self.now_s + self.scenario.timing.decision_s, self.end_s)
        self._decide(actions)
        self.disruptions.update(self.now_s)
        self.source.insert(until)
        now = self.now_s
        while (event := self.control.next_event_s(until)) is not None:
            if event > now:
                self.record.arrive(self._advance(now, event), now, event)
                now = event
            self.control.apply(event, self._set_state)
        self.record.arrive(self._advance(now, until), now, until)
        self.now_s = until
        self.control.apply(until, self._set_state)
        self.source.note_departures()
        self._look(None, begun=False)
        if self.scene_log is not None:
            self.scene_log.totals = self.metrics()

    def _advance(self, now: float, until: float) -> Sequence[str]:
        if self.scene_log is None:
            return self.simulation.step_to(until)
        return self.scene_log.advance(self, now, until)

    def _decide(self, actions: npt.NDArray[np.int64]) -> None:
        arrays = self.arrays
        legal = arrays.masks.take(self.index.first_phase_row + actions) > 0
        legal &= actions >= 0
        if self._programs:  # nothing is asked of them, so nothing can be illegal
            actions = np.where(self._programmed, self.control.current, actions)
            legal |= self._programmed
        np.logical_not(legal, out=arrays.masked)
        obeyed = legal & arrays.online
        if np.count_nonzero(obeyed) < len(obeyed):
            arrays.masked[actions < 0] = False
            actions = np.where(obeyed, actions, self.control.safe_default(arrays.masks))
            self.record.masked_actions += int((arrays.masked & arrays.online).sum())
        self.control.decide(actions, self.now_s)

    # -- looking ----------------------------------------------------------------------------------------------
    def _look(self, events: Events | None, *, begun: bool) -> None:
        """Read the roads and fill ``arrays``."""
        ix, arrays, now = self.index, self.arrays, self.now_s
        vehicles = self.simulation.read()
        vehicles.emergency = self.source.emergency_positions(vehicles.ids)
        truth = self.counter.count(vehicles)
        moved = self.tracker.update(vehicles, now)
        events = moved if events is None else events
        crossing = self._read_crossings() if ix.n_crossings else None
        subgoal = self.served.subgoals(events, truth, crossing)
        if self.sumo_rl is not None:
            self.sumo_rl.read()
        reward = self._pay(vehicles, truth, events)
        if not begun:
            self.record.observe(vehicles, truth, self.scenario.timing.decision_s)
        working = None if self._sees_all else self.detectors.working(now)
        disruptions = self.disruptions
        concepts = self.served.concepts(subgoal, truth, disruptions.arm_concepts, disruptions.arm_weather, working)
        arrays.concepts[:] = concepts
        arrays.subgoals[:] = subgoal
        misaligned_shares(ix, events, out=arrays.misaligned)
        arrays.carried[:] = self.tracker.carried
        if begun:
            subgoal, reward = self._no_subgoal, self._zeros
        arrays.rewards[:] = reward
        counts, outcome = truth, (subgoal, reward, events.discharged_by_agent)
        view = SignalView(self.control.current, self.control.times(now), *outcome)
        if working is not None:
            measured, keep = self.detectors.see(vehicles, working)
            counts = self.counter.count(measured, keep)
            waits = (waiting_by_agent(ix, measured, keep), self._seen_waiting_s)
            self._seen_waiting_s = waits[0]
            if not begun:
                view = outcome_seen(self.served, self.reward, view, events, counts, waits, crossing, working)
        self._show(counts, view, working)
        self.last = Look(vehicles, truth, events, working)

    def _show(self, counts: Counts, view: SignalView, working: npt.NDArray[np.bool_] | None) -> None:
        """Fill observations and masks from what the detectors see."""
        arrays = self.arrays
        self.observer.fill(counts, view, self._pedestrians if self.index.n_crossings else None, working)
        if self.sumo_rl is not None and self.config.observation == "sumo_rl":
            self.sumo_rl.fill(arrays.observations, view.current, view.times.min_green_passed)
        self.control.mask(view.times, out=arrays.masks)
        if self.outages:
            arrays.online[:] = True
            for agent, begin, end in self.outages:
                if begin <= self.now_s < end:
                    arrays.online[agent] = False

    def _read_crossings(self) -> npt.NDArray[np.bool_]:
        """See who waits now; returns agents whose phase lets some cross that waited before, bool ``(N,)``."""
        ix, before = self.index, self._pedestrians
        self._pedestrians = self.simulation.waiting_pedestrians()
        waited = np.bincount(ix.crossing_arm // MAX_ARMS, weights=before, minlength=ix.n_agents) > 0
        served: npt.NDArray[np.bool_] = waited & self._crossing_shown.take(ix.first_phase_row + self.control.current)
        return served

    def _pay(self, vehicles: Vehicles, truth: Counts, events: Events) -> npt.NDArray[np.float64]:
        ix, waiting, co2 = self.index, self._waiting_s, self._zeros
        if self.reward.needs_waiting or self.config.emissions:
            waiting = waiting_by_agent(ix, vehicles)
            if self.config.emissions:
                co2 = self._emissions(vehicles, ix.in_arm[vehicles.code])
        inputs = RewardInputs(ix, truth, events, waiting, self._waiting_s, co2, self.sumo_rl)
        self._waiting_s = waiting
        return self.reward(inputs)

    def _emissions(self, vehicles: Vehicles, arm: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """CO2 by agent in g/s; the network's total goes to the record."""
        ix, interval = self.index, self.scenario.timing.decision_s
        milligrams = np.array(self.simulation.each("getCO2Emission", vehicles.ids), dtype=np.float64)
        fuel_mg = np.array(self.simulation.each("getFuelConsumption", vehicles.ids), dtype=np.float64)
        self.record.co2_kg += float(milligrams.sum()) * interval * 1e-6
        self.record.fuel_l += float(fuel_mg.sum()) * interval * 1e-6 / PETROL_KG_PER_L
        rows = np.bincount(arm, weights=milligrams, minlength=ix.n_arm_rows + 1)[: ix.n_arm_rows]
        by_agent: npt.NDArray[np.float64] = rows.reshape(ix.n_agents, -1).sum(axis=1) * 1e-3
        return by_agent

    # -- figures ----------------------------------------------------------------------------------------------
    def metrics(self) -> dict[str, float]:
        """Figures of the episode so far."""
        return summarise(
            self.record,
            self.simulation,
            self.tracker.alignment,
            now_s=self.now_s,
            begin_s=self.scenario.files.begin_s,
        )

    def layout_row(self, agent: int) -> npt.NDArray[np.float32]:
        """An agent's vector in the default layout, whatever the agents see."""
        return self.observer.array[agent].copy()

    def state(self) -> npt.NDArray[np.float32]:
        """The true global state, float32 ``(N * STATE_FEATURES,)``."""
        return global_state(self.index, self.last.truth, self.control.current, self.control.times(self.now_s))

    # -- pictures ---------------------------------------------------------------------------------------------
    def scene(self) -> Scene:
        """What there is to see now."""
        return take_scene(self, self.now_s, self.metrics())

    def watch(self, every_s: float | None) -> None:
        """Keep a scene every ``every_s`` seconds within steps from now on, for films; None ends it."""
        self.scene_log = None if every_s is None else SceneLog(every_s)
        if self.scene_log is not None:
            self.scene_log.totals = self.metrics()

    def take_scenes(self) -> list[Scene]:
        """The scenes kept since the last call."""
        return [] if self.scene_log is None else self.scene_log.take()

    @property
    def done(self) -> bool:
        """Whether the horizon is reached."""
        return self.now_s >= self.end_s - 1e-6


PETROL_KG_PER_L = 0.742
"""Density that turns SUMO's milligrams of fuel into litres."""


@dataclass(slots=True)
class Look:
    """The latest reading, kept for descriptions and pictures."""

    vehicles: Vehicles
    truth: Counts
    events: Events
    sensor_ok: npt.NDArray[np.bool_] | None
