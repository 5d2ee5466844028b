"""The plan of the invented town Hinata: streets, blocks, houses, public places and trees.

All coordinates here are metres east and north of the town's south-west corner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry as Shape

XY = tuple[float, float]

SIZE = 1000  # side of the town [m]
AREA = shapely.box(0, 0, SIZE, SIZE)
PAVED, GRASS, BARE_SOIL, WATER = 1, 5, 6, 7  # UMEP land cover codes

MAIN_STREET = LineString([(-40, 505), (420, 530), (1040, 612)])
STATION_STREET = LineString([(622, 205), (645, 560)])
ROADS = [  # centre line, width [m]
    (MAIN_STREET, 25.0),
    (STATION_STREET, 16.0),
    (LineString([(300, -40), (310, 220), (338, 520), (292, 760), (300, 1040)]), 9.0),
    (LineString([(668, 562), (712, 800), (760, 1040)]), 9.0),
    (LineString([(-40, 288), (310, 258), (625, 300), (1040, 345)]), 9.0),
    (LineString([(-40, 770), (292, 758), (712, 802), (1040, 790)]), 8.0),
    (LineString([(868, -40), (848, 330), (880, 590)]), 8.0),
    (LineString([(452, 530), (470, 400), (462, 270)]), 6.0),
    (LineString([(640, 478), (800, 388), (1040, 236)]), 7.0),
    (LineString([(-40, 660), (130, 686), (300, 720)]), 6.0),
]
RAILWAY = LineString([(-40, 88), (1040, 150)]).buffer(7, cap_style="flat")
STREAM = LineString(
    [(-400, 960), (-40, 925), (150, 880), (330, 905), (520, 880), (720, 925), (1040, 895), (1400, 850)]
)


@dataclass
class Town:
    """The plan being drawn: every list only grows."""

    rng: np.random.Generator
    buildings: list[tuple[Shape, float, int, str]] = field(default_factory=list)
    trees: list[tuple[float, float, float, float]] = field(default_factory=list)  # x, y, radius, height [m]
    ground: list[tuple[Shape, int]] = field(default_factory=list)  # later paint covers earlier
    taken: list[Shape] = field(default_factory=list)  # streets and plots that houses keep off
    named: dict[str, Shape] = field(default_factory=dict)

    def keep(self, plot: Shape, lane: float = 4.5) -> None:
        """Keep houses off a plot and off the lane around it."""
        self.taken.append(plot.buffer(lane, join_style="mitre"))

    def build(self, shape: Shape, storeys: int, usage: str, name: str = "") -> None:
        """Raise a building; a storey is 2.9 to 3.3 m, and a roof or parapet stands on top."""
        height = storeys * (2.9 if usage in ("住宅", "共同住宅") else 3.3) + self.rng.uniform(0.6, 2.0)
        self.buildings.append((shape, round(float(height), 1), storeys, usage))
        if name:
            self.named[name] = shape

    def plant(self, x: float, y: float, height: tuple[float, float], slimness: float = 3.0) -> None:
        """Plant one tree; its crown is `slimness` times less wide in radius than the tree is high."""
        top = float(self.rng.uniform(*height))
        self.trees.append((float(x), float(y), top / slimness, top))

    def grove(self, where: Shape, spacing: float, height: tuple[float, float]) -> None:
        """Fill an area with trees on a loose grid."""
        x0, y0, x1, y1 = where.bounds
        for x in np.arange(x0, x1, spacing):
            for y in np.arange(y0, y1, spacing):
                at = self.rng.normal((x, y), spacing / 4)
                if where.contains(Point(at)):
                    self.plant(at[0], at[1], height)


def plot(centre: XY, width: float, depth: float, angle: float = 0.0) -> Shape:
    """Return a rectangle, its width along the bearing `angle`."""
    box = shapely.box(-width / 2, -depth / 2, width / 2, depth / 2)
    return translate(rotate(box, angle, origin=(0, 0)), *centre)


def within(centre: XY, angle: float, x: float, y: float, width: float, depth: float) -> Shape:
    """Return a rectangle given in the turned frame of a larger plot."""
    return translate(rotate(plot((x, y), width, depth), angle, origin=(0, 0)), *centre)


def blob(centre: XY, radius: float, rng: np.random.Generator) -> Shape:
    """Return a soft outline such as a pond or a clump of trees has."""
    turn = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    phase = rng.uniform(0, 2 * np.pi, 2)
    r = radius * (1 + 0.18 * np.sin(2 * turn + phase[0]) + 0.10 * np.sin(3 * turn + phase[1]))
    return Polygon(np.column_stack([centre[0] + 1.25 * r * np.cos(turn), centre[1] + r * np.sin(turn)]))


def lay_streets(town: Town) -> None:
    """Lay railway, roads and the stream with its green walk, and plant the trees along them."""
    walk = STREAM.buffer(8, cap_style="flat")
    town.ground += [(walk, GRASS), (STREAM.buffer(1.8), WATER), (RAILWAY, BARE_SOIL)]
    roads = [line.buffer(width / 2, cap_style="flat") for line, width in ROADS]
    town.ground += [(road, PAVED) for road in roads]
    town.taken += [*roads, walk.buffer(5), RAILWAY.buffer(5)]
    crossings = shapely.union_all([line.buffer(width / 2 + 3) for line, width in ROADS[1:]])
    for line, offset, spacing, height in [
        (MAIN_STREET, 9.8, 9.0, (8.0, 11.0)),
        (STATION_STREET, 6.2, 10.0, (6.0, 8.0)),
        (STREAM, 5.0, 11.0, (7.0, 12.0)),
    ]:
        for side in (-offset, offset):
            edge = line.offset_curve(side)
            for s in np.arange(0, edge.length, spacing):
                at = edge.interpolate(s)
                if line is STATION_STREET or not crossings.contains(at):
                    town.plant(at.x, at.y, height)


def station(town: Town) -> None:
    """Place the station over its tracks, the plaza with shops, two towers and the shopping centre."""
    town.build(plot((612, 125.5), 96, 22, 3.3), 3, "運輸倉庫施設", "station")
    plaza = plot((596, 177), 112, 70, 3.3)
    town.ground.append((plaza, PAVED))
    island = Point(596, 180).buffer(11)
    town.ground.append((island, GRASS))
    town.grove(island.buffer(-3), 6, (6, 8))
    for x in np.arange(546, 646, 12.5):
        town.plant(x, 147 + 0.058 * (x - 596), (5, 7))
    town.build(plot((508, 178), 30, 26, 3.3), 15, "共同住宅")
    town.build(plot((706, 180), 34, 28, 3.3), 20, "共同住宅")
    town.build(plot((706, 210), 44, 22, 3.3), 3, "商業施設")
    town.build(plot((702, 258), 66, 44, 6), 6, "商業施設", "shopping")
    for x, storeys in [(497, 5), (520, 7), (544, 6), (568, 8), (592, 6)]:
        town.build(plot((x, 231 + 0.058 * (x - 540)), 20, 17, 3.3), storeys, "商業施設")
    for y, storeys in [(152, 4), (171, 6), (190, 5)]:
        town.build(plot((664, y), 15, 16, 3.3), storeys, "業務施設")
    town.keep(plaza.union(plot((690, 212), 118, 138, 4)), 2)
    town.keep(plot((545, 214), 124, 56, 3.3).union(plot((508, 178), 50, 50, 3.3)), 1)


def school(town: Town) -> None:
    """Place an L-shaped school north of its sandy yard, with gymnasium, pool and cherry trees."""
    centre, angle = (440.0, 688.0), 5.0
    grounds = plot(centre, 150, 140, angle)
    classes = within(centre, angle, -14, 52, 96, 15).union(within(centre, angle, -54.5, 27, 15, 36))
    town.build(classes, 4, "文教厚生施設")
    town.build(within(centre, angle, 58, 42, 24, 36), 3, "文教厚生施設")
    yard = within(centre, angle, 12, -24, 100, 80)
    pool = within(centre, angle, -57, -25, 12, 25)
    town.ground += [(grounds, GRASS), (yard, BARE_SOIL), (pool.buffer(4), PAVED), (pool, WATER)]
    town.ground.append((classes.buffer(6).intersection(grounds), PAVED))
    for s in np.arange(0, 150, 9.0):
        for x, y in [(s - 74, -67.0), (72.0, s - 68)]:
            if not 20 < y < 64:
                at = within(centre, angle, x, y, 1, 1).centroid
                town.plant(at.x, at.y, (6, 9), slimness=2.4)
    town.keep(grounds)


def park(town: Town) -> None:
    """Place the park in the valley: a pond, a lawn, clumps of tall trees, gravel paths."""
    centre, angle = (165.0, 872.0), 6.0
    grounds = plot(centre, 200, 146, angle)
    pond = blob((150, 884), 27, town.rng)
    path = LineString(
        [(75, 815), (110, 850), (190, 855), (215, 905), (190, 935), (110, 925), (85, 880), (110, 850)]
    )
    town.ground += [(grounds, GRASS), (path.buffer(1.8), BARE_SOIL), (pond, WATER)]
    for x, y, radius in [
        (90, 910, 19), (225, 925, 17), (240, 860, 18), (85, 838, 13),
        (190, 818, 15), (215, 890, 9), (150, 930, 12),
    ]:  # fmt: skip
        clump = blob((x, y), radius, town.rng).intersection(grounds.buffer(-3))
        town.grove(clump.difference(pond.buffer(1)), 6.5, (11, 18))
    town.build(plot((255, 812), 9, 7, angle), 1, "文教厚生施設")
    town.keep(grounds)


def temple(town: Town) -> None:
    """Place a temple: gravel court, hall, priest's house, gate, and the grove around them."""
    centre, angle = (150.0, 392.0), -5.0
    grounds = plot(centre, 104, 92, angle)
    court = within(centre, angle, 8, -16, 56, 48)
    town.build(within(centre, angle, 6, 18, 22, 19), 3, "文教厚生施設", "temple")
    town.build(within(centre, angle, 36, 14, 16, 11), 2, "住宅")
    town.build(within(centre, angle, 6, -41, 8, 5), 2, "文教厚生施設")
    town.ground += [(grounds, GRASS), (court, BARE_SOIL)]
    halls = shapely.union_all([shape for shape, *_ in town.buildings[-3:]]).buffer(4)
    town.grove(grounds.buffer(-3).difference(court.buffer(2)).difference(halls), 7, (12, 20))
    town.keep(grounds)


def estate(town: Town) -> None:
    """Place apartment slabs facing south with lawns between them, and one tall block."""
    centre, angle = (892.0, 704.0), 5.0
    grounds = plot(centre, 214, 132, angle)
    town.ground.append((grounds, GRASS))
    for row, storeys in [(-46.0, 4), (-8.0, 5), (34.0, 11)]:
        for x, width in [(-64, 66), (22, 78)] if storeys < 11 else [(-58, 78), (36, 64)]:
            slab = within(centre, angle, x, row, width, 11)
            lane = within(centre, angle, x, row + 9.5, width + 14, 5)
            town.ground.append((lane, PAVED))
            town.build(slab, storeys, "共同住宅")
            town.grove(within(centre, angle, x, row - 17, width + 10, 13), 8.5, (7, 13))
    town.build(within(centre, angle, 88, 4, 20, 24), 14, "共同住宅")
    town.ground.append((within(centre, angle, 84, -40, 36, 30), PAVED))
    town.keep(grounds)


def civic(town: Town) -> None:
    """Place public buildings on their own paved plots, small playgrounds and vegetable fields."""
    for name, at, width, depth, angle, storeys, usage in [
        ("city_hall", (246.0, 553.0), 44, 20, 3, 4, "官公庁施設"),
        ("library", (582.0, 728.0), 38, 26, 4, 3, "文教厚生施設"),
        ("community", (410.0, 392.0), 32, 22, 3, 3, "文教厚生施設"),
        ("gymnasium", (912.0, 236.0), 52, 36, 12, 4, "文教厚生施設"),
        ("clinic", (214.0, 652.0), 20, 15, 8, 2, "文教厚生施設"),
    ]:
        shape = plot(at, width, depth, angle)
        grounds = plot(at, width + 16, depth + 18, angle)
        town.build(shape, storeys, usage, name)
        town.ground.append((grounds, PAVED))
        town.keep(grounds)
        for x, y in shapely.get_coordinates(grounds.buffer(-2.5, join_style="mitre"))[:4]:
            town.plant(x, y, (5, 8))
    for at, width, depth, angle, cover in [
        ((88.0, 632.0), 62, 52, 8, BARE_SOIL), ((420.0, 962.0), 74, 46, 9, BARE_SOIL),
        ((936.0, 452.0), 66, 58, -4, GRASS), ((108.0, 172.0), 58, 52, 6, BARE_SOIL),
        ((815.0, 432.0), 34, 30, -31, GRASS), ((196.0, 30.0), 30, 26, 3, GRASS),
        ((560.0, 955.0), 32, 28, 9, GRASS),
    ]:  # fmt: skip
        green = plot(at, width, depth, angle)
        town.ground.append((green, cover))
        town.keep(green)
        if depth < 40:
            town.ground.append((green.buffer(-6), BARE_SOIL))
            for s in np.arange(0, green.length, 8.0):
                edge = green.buffer(-2.5).exterior.interpolate(s)
                town.plant(edge.x, edge.y, (6, 10))


def line_street(town: Town, line: LineString, kerb: float, depth: XY, storeys: tuple[int, int]) -> None:
    """Build the two fronts of a street, wall by wall, leaving out what is already taken."""
    taken = shapely.union_all([shape for shape in town.taken if not shape.contains(line.centroid)])
    for side in (1, -1):
        s = 6.0
        while s < line.length - 6:
            width = town.rng.uniform(11, 21)
            back = town.rng.uniform(*depth)
            here, ahead = line.interpolate(s + width / 2), line.interpolate(s + width / 2 + 1)
            along = np.array([ahead.x - here.x, ahead.y - here.y])
            normal = side * np.array([-along[1], along[0]])
            middle = np.array([here.x, here.y]) + normal * (kerb + 1.0 + back / 2)
            angle = float(np.degrees(np.arctan2(along[1], along[0])))
            shape = plot((middle[0], middle[1]), width, back, angle)
            if AREA.buffer(-3).contains(shape) and not shape.buffer(1).intersects(taken):
                usage = str(town.rng.choice(["業務施設", "商業施設", "共同住宅"], p=[0.3, 0.25, 0.45]))
                town.build(shape, int(town.rng.integers(*storeys, endpoint=True)), usage)
            s += width + town.rng.uniform(0.8, 3.0)
    town.taken.append(line.buffer(kerb + depth[1] + 2.5, cap_style="flat"))


def parts(shape: Shape) -> list[Shape]:
    """Return the pieces worth building on, in an order that does not depend on the geometry library."""
    pieces = [piece for piece in shapely.get_parts(shape) if piece.area > 45]
    return sorted(pieces, key=lambda piece: piece.centroid.coords[0])


def lots(block: Shape, rng: np.random.Generator) -> Iterator[Shape]:
    """Cut a block that lies square to the axes into two rows of lots, back to back."""
    x0, y0, x1, y1 = block.bounds
    middle = (y0 + y1) / 2 if y1 - y0 > 19 else y1
    for low, high in [(y0, middle), (middle, y1)]:
        x = x0
        while high > low and x < x1 - 4:
            width = rng.uniform(17, 24) if rng.random() < 0.05 else rng.uniform(8.2, 12.2)
            yield from parts(shapely.box(x, low, min(x + width, x1), high).intersection(block))
            x += width


def house(lot: Shape, rng: np.random.Generator) -> Shape:
    """Stand a house on its lot: close to the northern edge, a garden or a car to the south."""
    x0, y0, x1, y1 = lot.bounds
    west, east = rng.uniform(0.5, 1.0), rng.uniform(0.6, 1.4)
    x0, x1, y0, y1 = x0 + west, x1 - east, y0 + rng.uniform(1.5, 3.4), y1 - rng.uniform(0.7, 1.2)
    if min(x1 - x0, y1 - y0) < 4:
        return Polygon()
    body: Shape = shapely.box(x0, y0, x1, y1)
    if rng.random() < 0.6:  # a wing stands back from the others
        left, cut = rng.random() < 0.5, rng.uniform(0.28, 0.45) * (x1 - x0)
        step = rng.uniform(0.2, 0.4) * (y1 - y0)
        body = body.difference(shapely.box(x0 if left else x1 - cut, y0, x0 + cut if left else x1, y0 + step))
    return max(shapely.get_parts(body.intersection(lot.buffer(-0.6))), key=shapely.area, default=Polygon())


def settle(town: Town, lot: Shape, turn: float) -> None:
    """Use one lot: mostly a house with its garden, now and then a car park, a flat or a bare lot."""
    rng = town.rng
    shape = house(lot, rng)
    solid = shape.area > 34 and shape.area > 0.68 * shape.minimum_rotated_rectangle.area
    if not solid or rng.random() < 0.05:
        town.ground.append((rotate(lot, turn, origin=(0, 0)), int(rng.choice([PAVED, GRASS, BARE_SOIL]))))
        return
    world = rotate(shape, turn, origin=(0, 0))
    if shape.area > 110:
        town.build(world, int(rng.integers(2, 5)), "共同住宅")
    else:
        town.build(world, int(rng.choice([1, 2, 3], p=[0.06, 0.78, 0.16])), "住宅")
    if rng.random() < 0.45:
        x0, y0, x1, _ = lot.bounds
        garden = shapely.box(x0, y0, x1, shape.bounds[1]).intersection(lot)
        town.ground.append((rotate(garden, turn, origin=(0, 0)), GRASS))
        if rng.random() < 0.5:
            at = rotate(garden.centroid, turn, origin=(0, 0))
            town.plant(at.x, at.y, (3.5, 6.0), slimness=2.6)


def bearing(district: Shape) -> float:
    """Return the bearing of the longest street front, between -45 and 45 degrees anticlockwise from east."""
    corners = shapely.get_coordinates(shapely.simplify(shapely.get_exterior_ring(district), 2.0))
    edges = np.diff(corners, axis=0)
    middles = shapely.points((corners[1:] + corners[:-1]) / 2)
    street = shapely.distance(middles, AREA.exterior) > 5  # the town's limit is no street
    longest = edges[np.argmax(np.hypot(*edges.T) * street)]
    return float((np.degrees(np.arctan2(longest[1], longest[0])) + 45.0) % 90.0 - 45.0)


def blocks(district: Shape, rng: np.random.Generator) -> Iterator[Shape]:
    """Cut a district that lies square to the axes into rows of blocks with lanes between them."""
    x0, y0, x1, y1 = district.bounds
    rows = max(round((y1 - y0 + 5.0) / 31.0), 1)
    for low in np.linspace(y0, y1 + 5.0, rows, endpoint=False):
        high = low + (y1 - y0 + 5.0) / rows - rng.uniform(4.4, 6.0)
        x = x0 - rng.uniform(0, 60)
        while x < x1:
            length = rng.uniform(52, 98)
            yield from parts(district.intersection(shapely.box(x, low, x + length, high)))
            x += length + rng.uniform(4.2, 5.6)


def neighbourhoods(town: Town) -> None:
    """Fill what is left with lanes, blocks and houses, each district along its longest street."""
    for district in parts(AREA.buffer(-2).difference(shapely.union_all(town.taken))):
        turn = bearing(district)
        for block in blocks(rotate(district, -turn, origin=(0, 0)), town.rng):
            for lot in lots(block, town.rng):
                settle(town, lot, turn)


def draw_town(rng: np.random.Generator) -> Town:
    """Draw the whole town; each step keeps off what the steps before it have taken."""
    town = Town(rng)
    for place in (lay_streets, station, school, park, temple, estate, civic):
        place(town)
    line_street(town, MAIN_STREET, kerb=12.5, depth=(15, 22), storeys=(6, 10))
    line_street(town, STATION_STREET, kerb=8.0, depth=(12, 16), storeys=(3, 7))
    neighbourhoods(town)
    roofs = [shape for shape, *_ in town.buildings]
    waters = [shape for shape, code in town.ground if code == WATER]
    treeless = shapely.union_all(roofs + waters).buffer(0.5)
    shapely.prepare(treeless)
    town.trees = [tree for tree in town.trees if not treeless.contains(Point(tree[:2]))]
    return town
