"""Anyone's SUMO files as a scenario: what is read from a configuration, and what is said when something is wrong."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import remalis_envs
from remalis_envs.errors import RemalisError, SumoError, UnknownNameError
from remalis_envs.traffic.engine.programs import network_programs
from remalis_envs.traffic.engine.simulation import process_is_free
from remalis_envs.traffic.network import grid, read_network
from remalis_envs.traffic.observations import LAYOUT
from remalis_envs.traffic.own_files import find_files
from remalis_envs.traffic.sumo import run_tool

CONFIG = """<configuration>
  <input><net-file value="town.net.xml"/><route-files value="town.rou.xml"/></input>
  <time><begin value="0:05:00"/><end value="480"/><step-length value="0.5"/></time>
  <output><tripinfo-output value="trips.xml"/><summary-output value="summary.xml"/></output>
  <processing><time-to-teleport value="120"/><lateral-resolution value="0.8"/></processing>
  <report><verbose value="true"/><log value="sumo.log"/></report>
  <random_number><seed value="23"/></random_number>
</configuration>
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network, trips between 5 and 15 minutes, and a configuration."""
    folder = tmp_path_factory.mktemp("town")
    shutil.copy(grid(2, 2), folder / "town.net.xml")
    network = read_network(folder / "town.net.xml")
    pairs = [(a, b) for a in network.entries for b in network.exits if a.strip("-") != b.strip("-")]
    trips = [
        f'<trip id="{k}" depart="{300 + k}" from="{pairs[k * 7 % len(pairs)][0]}" to="{pairs[k * 7 % len(pairs)][1]}"/>'
        for k in range(600)
    ]
    (folder / "town.rou.xml").write_text("<routes>" + "\n".join(trips) + "</routes>")
    (folder / "town.sumocfg").write_text(CONFIG)
    return folder


def play(env, decisions: int = 10_000) -> dict[str, float]:
    env.reset(seed=1)
    count = 0
    while env.agents and count < decisions:
        env.step(dict.fromkeys(env.agents, count // 4 % 2))
        count += 1
    metrics = env.metrics()
    env.close()
    return metrics


def test_configuration_is_obeyed_and_leaves_no_files(town: Path) -> None:
    before = sorted(town.iterdir())
    env = remalis_envs.traffic_v0(scenario=town / "town.sumocfg")
    scenario = env.config.scenario
    assert (scenario.files.begin_s, scenario.horizon_s, scenario.files.step_length_s) == (300.0, 180.0, 0.5)
    options = dict(zip(scenario.files.options[::2], scenario.files.options[1::2], strict=True))
    assert options == {"--time-to-teleport": "120", "--lateral-resolution": "0.8"}
    metrics = play(env)
    assert sorted(town.iterdir()) == before
    assert metrics["arrived_veh"] + metrics["running_veh"] + metrics["never_departed_veh"] == pytest.approx(180, abs=2)
    assert metrics["arrived_veh"] > 20


def test_network_with_routes(town: Path) -> None:
    net, routes = town / "town.net.xml", town / "town.rou.xml"
    second = town / "second.rou.xml"
    second.write_text(routes.read_text().replace('id="', 'id="second'))
    try:
        for given, due in ((str(routes), 100), (f"{routes}, {second}", 200), ([routes, second], 200)):
            metrics = play(remalis_envs.traffic_v0(scenario=net, routes=given, begin_s=300, horizon_s=100))
            seen = metrics["arrived_veh"] + metrics["running_veh"] + metrics["never_departed_veh"]
            assert seen == pytest.approx(due, abs=4), given
    finally:
        second.unlink()


def test_routes_take_the_place_of_the_configurations(town: Path) -> None:
    other = town / "other.rou.xml"
    other.write_text("<routes/>")
    assert find_files(town / "town.sumocfg", [other]).route_files == (other,)


def test_packed_network(town: Path, tmp_path: Path) -> None:
    packed = tmp_path / "town.net.xml.gz"
    packed.write_bytes(gzip.compress((town / "town.net.xml").read_bytes()))
    metrics = play(remalis_envs.traffic_v0(scenario=packed, routes=town / "town.rou.xml", begin_s=300, horizon_s=60))
    assert metrics["running_veh"] > 20
    drawn = remalis_envs.traffic_v0(scenario=packed, demand="easy", horizon_s=60)
    assert play(drawn)["running_veh"] > 5
    assert len(network_programs(drawn.network)) == 4


def test_drawn_demand_on_a_built_network() -> None:
    env = remalis_envs.traffic_v0(scenario=grid(2, 3), demand="easy", horizon_s=200)
    assert len(env.possible_agents) == 6
    metrics = play(env)
    assert 50 < metrics["arrived_veh"] + metrics["running_veh"] < 150


def test_phases_are_ours_or_the_programs(town: Path) -> None:
    def states(**options):
        env = remalis_envs.traffic_v0(scenario=town / "town.sumocfg", **options)
        return [phase.state for phase in env.phases(env.possible_agents[0])]

    program = re.findall(r'state="(\w+)"', (town / "town.net.xml").read_text().split("<tlLogic")[1].split("</tlL")[0])
    greens = [s for s in program if "y" not in s]
    assert states(phases="program") == states(protocol="resco") == greens
    assert len(states()) > len(greens)


@pytest.mark.parametrize("backend", ["inline", "worker"])
def test_a_parked_car_is_on_no_road(town: Path, tmp_path: Path, backend: str) -> None:
    inter = read_network(town / "town.net.xml").intersections[0]
    lane = inter.arms[0].in_edges[-1] + "_0"
    routes = tmp_path / "parked.rou.xml"
    stop = f'<stop lane="{lane}" endPos="30" duration="60" parking="true"/>'
    routes.write_text(
        f'<routes><trip id="a" depart="0" from="{lane[:-2]}" to="{inter.arms[1].out_edges[0]}">{stop}</trip></routes>'
    )
    env = remalis_envs.traffic_v0(scenario=town / "town.net.xml", routes=routes, backend=backend, horizon_s=200)
    counted = []
    observations, _ = env.reset(seed=1)
    while env.agents:
        counted.append(sum(LAYOUT.arm_features(one["observation"])[:, 2].sum() for one in observations.values()))
        observations, *_ = env.step(dict.fromkeys(env.agents, len(counted) // 4 % 2))
    first, last = (next(k for k in order if counted[k] > 0) for order in (range(40), range(39, -1, -1)))
    assert counted[first:last].count(0) >= 8, "seen before and after, but not while it is parked"
    assert env.metrics()["arrived_veh"] + env.metrics()["running_veh"] == 1
    env.close()


def test_a_late_beginning_is_taken_to_the_second(town: Path) -> None:
    command = find_files(town / "town.net.xml")
    world = remalis_envs.traffic_v0(scenario=command.net_file, demand="easy", begin_s=1234567).config.scenario
    assert world.files.command(1)[world.files.command(1).index("--begin") + 1] == "1234567"


def test_a_signal_without_a_phase_is_refused_at_once(tmp_path: Path) -> None:
    net = tmp_path / "joined.net.xml"
    shape = "--grid --grid.number 2 --grid.length 100 --grid.attach-length 100 -j traffic_light"
    run_tool("netgenerate", *shape.split(), "--tls.join", "--tls.join-dist", "120", "-o", str(net))
    with pytest.raises(RemalisError, match=r"has no phase that lets anybody drive .* try phases='program'"):
        remalis_envs.traffic_v0(scenario=net, demand="easy")
    play(remalis_envs.traffic_v0(scenario=net, demand="easy", phases="program", horizon_s=50))


def without_signals(folder: Path) -> Path:
    net = folder / "quiet.net.xml"
    run_tool("netgenerate", "--grid", "--grid.number", "3", "--default-junction-type", "priority", "-o", str(net))
    return net


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("absent.net.xml", None, SumoError, "absent.net.xml does not exist"),
        ("absent.sumocfg", None, SumoError, "absent.sumocfg does not exist"),
        ("cut.net.xml", "<net><edge id='a'>", SumoError, "cut.net.xml is not readable as XML"),
        ("cut.sumocfg", "<configuration>", SumoError, "cut.sumocfg is not readable as XML"),
        ("other.net.xml", "<routes/>", SumoError, "not a SUMO network"),
        ("netless.sumocfg", "<configuration><input/></configuration>", RemalisError, "names no network"),
        (
            "lost.sumocfg",
            "<configuration><net-file value='no.net.xml'/></configuration>",
            SumoError,
            "no.net.xml does not exist",
        ),
        (
            "when.sumocfg",
            "<configuration><net-file value='a'/><begin value='noon'/></configuration>",
            RemalisError,
            "begin='noon', which is no time",
        ),
        (
            "endless.sumocfg",
            "<configuration><net-file value='a'/><end value='1e400'/></configuration>",
            RemalisError,
            "end='1e400', which is no time, or more than a year",
        ),
        (
            "fine.sumocfg",
            "<configuration><net-file value='a'/><step-length value='0.0005'/></configuration>",
            RemalisError,
            "step-length='0.0005'; SUMO counts whole milliseconds",
        ),
        (
            "still.sumocfg",
            "<configuration><net-file value='a'/><step-length value='0'/></configuration>",
            RemalisError,
            "step-length='0'; SUMO counts whole milliseconds",
        ),
        ("town.osm", "", RemalisError, "neither 'resco/<map>' nor a path that ends in .sumocfg or .net.xml"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(town, tmp_path, name, content, error, says) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(error, match=re.escape(says)) as caught:
        remalis_envs.traffic_v0(scenario=tmp_path / name, routes=town / "town.rou.xml")
    assert "\n" not in str(caught.value)


def test_what_is_wrong_with_the_arguments_is_said(town: Path, tmp_path: Path) -> None:
    net = town / "town.net.xml"
    with pytest.raises(SumoError, match=r"The route file .*none\.rou\.xml does not exist"):
        remalis_envs.traffic_v0(scenario=net, routes="none.rou.xml")
    with pytest.raises(RemalisError, match="has no traffic: pass routes="):
        remalis_envs.traffic_v0(scenario=net)
    with pytest.raises(UnknownNameError, match="Did you mean 'easy'"):
        remalis_envs.traffic_v0(scenario=net, demand="eazy")
    with pytest.raises(RemalisError, match="pass scenario= as well"):
        remalis_envs.traffic_v0(routes="town.rou.xml")
    with pytest.raises(RemalisError, match="ends before it begins, at 900 s"):
        remalis_envs.traffic_v0(scenario=town / "town.sumocfg", begin_s=900)
    with pytest.raises(UnknownNameError, match="Did you mean 'program'"):
        remalis_envs.traffic_v0(scenario=net, routes=town / "town.rou.xml", phases="programs")
    with pytest.raises(RemalisError, match="has no traffic lights"):
        remalis_envs.traffic_v0(scenario=without_signals(tmp_path), routes=town / "town.rou.xml")
    with pytest.raises(RemalisError, match=r"multiple of SUMO's step of 0\.5 s"):
        remalis_envs.traffic_v0(scenario=town / "town.sumocfg", yellow_s=3.3)
    with pytest.raises(RemalisError, match=r"holds no routes by its name"):
        remalis_envs.traffic_v0(scenario=net, routes=net)
    with pytest.raises(RemalisError, match=r"begin_s must be a number of seconds, at least 0"):
        remalis_envs.traffic_v0(scenario=town / "town.sumocfg", begin_s=-5)
    with pytest.raises(RemalisError, match=r"scenario is 'resco/<map>' or the path"):
        remalis_envs.traffic_v0(scenario="")
    (tmp_path / "folder.net.xml").mkdir()
    with pytest.raises(SumoError, match=r"folder\.net\.xml is a folder"):
        remalis_envs.traffic_v0(scenario=tmp_path / "folder.net.xml", routes=town / "town.rou.xml")
    shutil.copy(net, tmp_path / "a,b.net.xml")
    with pytest.raises(RemalisError, match=r"SUMO parts file names at commas"):
        remalis_envs.traffic_v0(scenario=tmp_path / "a,b.net.xml", routes=town / "town.rou.xml")


@pytest.mark.parametrize("backend", ["inline", "worker"])
def test_routes_that_sumo_refuses_leave_nothing_running(town: Path, tmp_path: Path, backend: str) -> None:
    bad = tmp_path / "bad.rou.xml"
    bad.write_text('<routes><trip id="a" depart="1" from="nowhere" to="there"/></routes>')
    env = remalis_envs.traffic_v0(scenario=town / "town.net.xml", routes=bad, backend=backend)
    with pytest.raises(SumoError, match="'nowhere' within the route for trip 'a' is not known"):
        env.reset(seed=1)
    env.close()
    assert process_is_free()
    assert not workers()
    good = remalis_envs.traffic_v0(
        scenario=town / "town.net.xml", routes=town / "town.rou.xml", begin_s=300, horizon_s=50, backend=backend
    )
    assert play(good)["running_veh"] > 20


@pytest.mark.parametrize("backend", ["inline", "worker"])
@pytest.mark.parametrize(
    ("option", "says"),
    [
        ('time-to-telepot value="120"', "Unknown option of SUMO 'time-to-telepot'. Did you mean 'time-to-teleport'?"),
        ('lateral-resolution value="wide"', "Option 'lateral-resolution': 'wide' is not a valid float."),
        ('time-to-teleport value="never"', "Option 'time-to-teleport': 'never' is not a number."),
    ],
)
def test_an_option_that_sumo_refuses_is_named(town: Path, tmp_path: Path, backend: str, option: str, says: str) -> None:
    for name in ("town.net.xml", "town.rou.xml"):
        shutil.copy(town / name, tmp_path)
    changed = re.sub(r"<processing>.*</processing>", f"<processing><{option}/></processing>", CONFIG)
    (tmp_path / "town.sumocfg").write_text(changed)
    env = remalis_envs.traffic_v0(scenario=tmp_path / "town.sumocfg", backend=backend)
    with pytest.raises(SumoError, match=re.escape(says)) as caught:
        env.reset(seed=1)
    assert "\n" not in str(caught.value)
    env.close()


@pytest.mark.parametrize("backend", ["inline", "worker"])
def test_a_route_file_that_breaks_late_is_a_sentence_then(town: Path, tmp_path: Path, backend: str) -> None:
    """SUMO reads route files as it goes. No fault of the machine, which would truncate and be tried again for ever."""
    bad = tmp_path / "late.rou.xml"
    good = (town / "town.rou.xml").read_text()
    bad.write_text(good.replace("</routes>", '<trip id="late" depart="901" from="nowhere" to="there"/></routes>'))
    env = remalis_envs.traffic_v0(scenario=town / "town.net.xml", routes=bad, begin_s=600, backend=backend)
    for _ in range(2):  # the next reset works, and runs into it again
        env.reset(seed=1)
        with pytest.raises(SumoError, match=r"SUMO stopped soon after \d+ s of .*'nowhere'"):
            while env.agents:
                env.step(dict.fromkeys(env.agents, 0))
        with pytest.raises(RemalisError, match=r"call reset\(\)"):
            env.step({})
    env.close()
    assert process_is_free()
    assert not workers()


def workers() -> list[str]:
    """Command lines of the simulator's worker processes that descend from this one."""
    listed = subprocess.run(["ps", "-eo", "ppid,args"], capture_output=True, text=True, check=True).stdout
    mine = [line for line in listed.splitlines() if line.split()[0] == str(os.getpid())]
    return [line for line in mine if "remalis_envs.traffic.worker" in line]


@pytest.mark.parametrize(("option", "value"), [("routes", 5), ("demand", 3)])
def test_what_is_no_file_and_no_profile_is_a_sentence(option: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(RemalisError, match=f"{option} is a"):
        remalis_envs.traffic_v0(scenario=tmp_path / "my.net.xml", **{option: value})


def test_a_map_that_nobody_can_cross_is_a_sentence(tmp_path: Path) -> None:
    grid_options = ["--grid", "--grid.number", "3", "--default.junctions.type", "traffic_light"]
    run_tool("netgenerate", *grid_options, "-o", str(tmp_path / "closed.net.xml"))
    with pytest.raises(RemalisError, match="give it outer roads"):
        remalis_envs.traffic_v0(scenario=tmp_path / "closed.net.xml", demand="easy")
