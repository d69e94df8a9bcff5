"""A server of canned answers, to look at the pages of recordings without a recorder.

    python -m tests.journeys.fake_vod_server --folder /tmp/fake-vods --port 8090

`/vod/pond-1` is a whole VOD, `/vod/pond-signed` one whose addresses end after 20 s, `/vod/pond-gap`
lacks something, `/vod/pond-live` is live, `/vod/pond-plain` has nothing but its picture; the
channel is `pond`. FFmpeg makes the media once and leaves it in the folder.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from signaling.headers import HeadersMiddleware
from signaling.pages import WEB

LENGTH_MS: Final = 312_000
BEGAN_MS: Final = 1_760_000_000_000
SIGNED_S: Final = 20
CHAPTERS: Final = (
    (0, "Good morning from the pond", "title"),
    (48_000, "What the heron did last night", "marker"),
    (121_000, "Planting the water lilies", "marker"),
    (205_000, "Questions", "chat"),
    (268_000, "Feeding", "scene"),
)
SAID: Final = (
    "Good morning, everybody, and welcome to the pond.",
    "It was cold last night, but the frogs do not mind.",
    "Look over there: the heron has been here again.",
    "We will plant the water lilies today,\nall twelve of them.",
    "Somebody asked how deep the water is.",
    "In the middle it is about a metre and a half.",
)
TALK: Final = (
    ("Bo", "good morning from Turku"),
    ("Ines", "the light is so good today"),
    ("Tomasz", "did you plant the tomatoes already?"),
    ("Kofi", "first time here, hello everybody"),
    ("Amal", "what is that bird?"),
    ("Ines", "a wren, I think"),
    ("Tomasz", "the frogs are loud today, you can hear them through the whole stream"),
)


def make_media(folder: Path) -> None:
    """Two renditions with sound as HLS, the whole as MP4, a storyboard and posters."""
    if (folder / "small.jpg").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    seconds = str(LENGTH_MS // 1_000)
    picture = f"gradients=s=1280x720:r=25:speed=0.01:n=4:d={seconds}"
    source = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", f"sine=220:d={seconds}"]
    clock = (
        "drawtext=text='%{pts\\:hms}':fontsize=90:fontcolor=white:x=(w-tw)/2:y=(h-th)/2:box=1:"
        "boxcolor=black@0.4:boxborderw=20"
    )
    encoding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p"]
    _ffmpeg(
        [*source, "-vf", clock, *encoding, "-c:a", "aac", "-movflags", "+faststart"],
        folder / "video.mp4",
    )
    for name, lines in (("720p", 720), ("360p", 360)):
        (folder / name).mkdir(exist_ok=True)
        scaled = ["-vf", f"scale=-2:{lines}", *encoding, "-c:a", "aac"]
        hls = ["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod"]
        fmp4 = ["-hls_segment_type", "fmp4", "-hls_flags", "single_file"]
        whole = ["-i", str(folder / "video.mp4")]
        _ffmpeg([*whole, *scaled, *hls, *fmp4], folder / name / "index.m3u8")
    (folder / "master.m3u8").write_text(
        "#EXTM3U\n#EXT-X-VERSION:7\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=2500000,RESOLUTION=1280x720,CODECS="avc1.42c01f,mp4a.40.2"\n'
        "720p/index.m3u8\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS="avc1.42c01e,mp4a.40.2"\n'
        "360p/index.m3u8\n"
    )
    stills = ["-i", str(folder / "video.mp4")]
    tiles = ["-vf", "fps=1/10,scale=160:90,tile=10x10", "-frames:v", "1"]
    _ffmpeg([*stills, *tiles], folder / "sheet-001.jpg")
    for name, width in (("poster.jpg", 1280), ("small.jpg", 480)):
        _ffmpeg(["-ss", "60", *stills, "-vf", f"scale={width}:-2", "-frames:v", "1"], folder / name)


def _ffmpeg(wish: Sequence[str], out: Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *wish, str(out)], check=True)


class Canned:
    """What changes while one looks: clips come to be, step by step with each question."""

    def __init__(self) -> None:
        self.clips: dict[str, dict[str, object]] = {}
        self.gone: set[str] = set()
        for number in range(3):
            begin = 30_000 * number
            clip = self.new_clip("pond-1", begin, begin + 20_000, f"Frog {number}")
            clip.update(state="ready", progress=1.0, mp4="/vod-clip/made/clip.mp4")

    def new_clip(self, vod: str, from_ms: int, to_ms: int, title: str) -> dict[str, object]:
        name = f"clip{len(self.clips)}"
        self.clips[name] = {
            "id": name,
            "vod": vod,
            "channel": "pond",
            "title": title or "Morning at the pond",
            "by": "Ines",
            "from_ms": from_ms,
            "to_ms": to_ms,
            "created_ms": BEGAN_MS + LENGTH_MS,
            "state": "making",
            "page": f"/clip/{name}",
            "mp4": None,
            "poster": "/vod/pond-1/small.jpg",
            "progress": 0.0,
        }
        return self.clips[name]

    def clip(self, name: str) -> dict[str, object] | None:
        clip = self.clips.get(name)
        if clip is not None and clip["state"] == "making":
            done = float(str(clip["progress"])) + 0.34
            clip["progress"] = min(1.0, done)
            if done >= 1:
                clip.update(state="ready", mp4="/vod-clip/made/clip.mp4")
        return clip

    def vods(self, before: str | None) -> dict[str, object]:
        names = ["pond-live", "pond-1", "pond-2", "pond-gap", "pond-plain", "pond-signed"]
        names += [f"pond-old{number}" for number in range(8)]
        names = [name for name in names if name not in self.gone]
        first = int(before or 0)
        more = str(first + 6) if first + 6 < len(names) else None
        return {"items": [vod(name) for name in names[first : first + 6]], "next": more}


def vod(name: str) -> dict[str, object]:
    state = {"pond-live": "recording", "pond-gap": "trouble"}.get(name, "ready")
    lacking = "The disk was full: the last minutes are missing." if state == "trouble" else None
    return {
        "id": name,
        "channel": "pond",
        "title": "Morning at the pond",
        "state": state,
        "trouble": lacking,
        "began_ms": BEGAN_MS,
        "duration_ms": LENGTH_MS,
        "width": 1280,
        "height": 720,
        "poster": None if name == "pond-plain" else f"{folder_of(name)}small.jpg",
    }


def folder_of(name: str) -> str:
    """As if signed: it only says when it ends."""
    ends = f"~{int(time.time()) + SIGNED_S}/" if name == "pond-signed" else ""
    return f"/vod/{ends}{name}/"


def details(name: str) -> dict[str, object]:
    folder = folder_of(name)
    rich = name != "pond-plain"
    tracks = [
        {
            "language": language,
            "label": label,
            "kind": kind,
            "vtt": f"{folder}captions/{language}.vtt",
            "srt": f"{folder}captions/{language}.srt",
        }
        for language, label, kind in (("en", "English", "final"), ("fi", "Suomi", "upload"))
    ]
    job = {"kind": "captions", "state": "running", "progress": 0.4, "error": None}
    failed = {"kind": "mp4", "state": "failed", "progress": 0.7, "error": "The disk is full."}
    ends_ms = int(time.time() + SIGNED_S) * 1_000 if name == "pond-signed" else None
    return {
        "vod": vod(name),
        "size_bytes": 231_000_000,
        "keep_until_ms": BEGAN_MS + 30 * 86_400_000,
        "folder": folder,
        "expires_ms": ends_ms,
        "playlist": f"{folder}master.m3u8",
        "mp4": f"{folder}video.mp4",
        "large_poster": f"{folder}poster.jpg" if rich else None,
        "storyboard": f"{folder}storyboard.vtt" if rich else None,
        "chapters_vtt": f"{folder}chapters.vtt",
        "chapters": chapters() if rich else [],
        "captions": tracks if rich else [],
        "periods": [{"at_ms": 0, "stream_ms": BEGAN_MS, "duration_ms": LENGTH_MS}],
        "jobs": [job, failed] if name == "pond-2" else [],
    }


def chapters() -> list[dict[str, object]]:
    return [{"at_ms": at, "title": title, "source": source} for at, title, source in CHAPTERS]


@dataclass(frozen=True, slots=True)
class Said:
    """An entry of the room, and when it is shown."""

    at_ms: int
    seq: int
    entry: dict[str, object]


def talk() -> list[Said]:
    """The room, in its order: busier while the lilies are planted."""
    dice = random.Random(7)
    said: list[Said] = []
    at_ms = 2_000
    while at_ms < LENGTH_MS:
        name, text = dice.choice(TALK)
        seq = len(said) * 2 + 1
        entry: dict[str, object] = {
            "seq": seq,
            "t": BEGAN_MS + at_ms,
            "kind": "message",
            "id": f"m{at_ms}",
            "user": {"id": f"guest:{name.lower()}", "name": name},
            "text": text,
            "parts": [{"t": "text", "v": f"{text} "}, {"t": "emote", "v": "heart"}],
        }
        if len(said) == 20:
            gift = {
                "kind": "alert",
                "what": "donation",
                "shown": "20,00 €",
                "text": "for the frogs",
            }
            entry |= {**gift, "parts": []}
        said.append(Said(at_ms, seq, entry))
        busy = 121_000 < at_ms < 160_000
        at_ms += dice.randint(150, 900) if busy else dice.randint(1_000, 6_000)
    return said


def captions() -> str:
    cues = [
        f"{stamp(at)} --> {stamp(at + 3_400)}\n{SAID[at // 4_000 % len(SAID)]}\n"
        for at in range(1_000, LENGTH_MS - 4_000, 4_000)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def storyboard() -> str:
    cues = [
        f"{stamp(tile * 10_000)} --> {stamp(min(LENGTH_MS, tile * 10_000 + 10_000))}\n"
        f"sheet-001.jpg#xywh={tile % 10 * 160},{tile // 10 * 90},160,90\n"
        for tile in range(-(-LENGTH_MS // 10_000))
    ]
    return "\n".join(["WEBVTT\n", *cues])


def stamp(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"00:{minutes:02d}:{rest // 1_000:02d}.{rest % 1_000:03d}"


def found(word: str) -> list[dict[str, object]]:
    places: list[dict[str, object]] = []
    for at in range(1_000, LENGTH_MS - 4_000, 4_000):
        text = SAID[at // 4_000 % len(SAID)].replace("\n", " ")
        begin = text.lower().find(word.lower())
        if begin >= 0:
            end = begin + len(word)
            cue = {"at_ms": at, "language": "en", "text": text, "begin": begin, "end": end}
            places.append(cue)
    return places[:40]


class Door:
    """The routes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._canned = Canned()

    def routes(self) -> list[BaseRoute]:
        api = "/api/channels/{channel}"
        vod = "/api/vods/{vod}"
        return [
            Mount("/static", StaticFiles(directory=WEB)),
            Route("/api/time", lambda _: JSONResponse({"now_ms": time.time() * 1_000})),
            Route("/api/live", lambda _: JSONResponse({"channels": [live("pond")]})),
            Route(f"{api}/state", self.state),
            Route(f"{api}/vods", self.vods),
            Route(f"{api}/clips", self.clips, methods=["GET", "POST"]),
            Route(f"{api}/markers", self.marker, methods=["POST"]),
            Route(vod, self.vod, methods=["GET", "DELETE"]),
            Route(f"{vod}/heat", self.heat),
            Route(f"{vod}/search", self.search),
            Route(f"{vod}/chat", self.chat),
            Route(f"{vod}/clips", self.make_clip, methods=["POST"]),
            Route("/api/clips/{clip}", self.clip),
            Route("/vod-clip/{file:path}", lambda _: FileResponse(self._folder / "video.mp4")),
            Route("/vod/{file:path}", self.media_or_page),
            Route("/{page}/{name}", lambda request: page(request.path_params["page"])),
            Route("/studio", lambda _: page("studio")),
            Route("/", lambda _: page("index")),
        ]

    def state(self, request: Request) -> Response:
        channel = request.path_params["channel"]
        rest = {"live": channel == "pond", "stalled": False, "layers": [], "renditions": []}
        return JSONResponse({**live(channel), **rest})

    def vods(self, request: Request) -> Response:
        if request.path_params["channel"] != "pond":
            return JSONResponse({"items": [], "next": None})
        return JSONResponse(self._canned.vods(request.query_params.get("before")))

    async def clips(self, request: Request) -> Response:
        if request.method == "POST":
            title = str((await request.json()).get("title", ""))
            return JSONResponse(self._canned.new_clip("pond-1", 60_000, 90_000, title), 201)
        made = self._canned.clips if request.path_params["channel"] == "pond" else {}
        return JSONResponse({"items": list(made.values()), "next": None})

    def marker(self, request: Request) -> Response:
        return JSONResponse({"stream_ms": BEGAN_MS})

    def vod(self, request: Request) -> Response:
        name = request.path_params["vod"]
        if not name.startswith("pond") or name in self._canned.gone:
            return problem(404)
        if request.method == "DELETE":
            self._canned.gone.add(name)
            return Response(status_code=204)
        return JSONResponse(details(name))

    def heat(self, request: Request) -> Response:
        dice = random.Random(3)
        values = [dice.random() * (1 if 60 < step < 90 else 0.4) for step in range(120)]
        return JSONResponse({"step_ms": LENGTH_MS / 120, "values": values})

    def search(self, request: Request) -> Response:
        return JSONResponse({"items": found(request.query_params.get("q", ""))})

    def chat(self, request: Request) -> Response:
        query = request.query_params
        begin, end, limit = (int(query[name]) for name in ("from", "to", "limit"))
        after = int(query.get("after", 0))
        if request.path_params["vod"] == "pond-plain":
            return JSONResponse({"items": [], "next": None})
        wanted = [one for one in talk() if begin <= one.at_ms < end and one.seq > after]
        items = [{"at_ms": one.at_ms, "entry": one.entry} for one in wanted[:limit]]
        more = wanted[limit - 1].seq if len(wanted) > limit else None
        return JSONResponse({"items": items, "next": more})

    async def make_clip(self, request: Request) -> Response:
        wish = await request.json()
        vod = request.path_params["vod"]
        clip = self._canned.new_clip(vod, wish["from_ms"], wish["to_ms"], wish["title"])
        return JSONResponse(clip, 201)

    def clip(self, request: Request) -> Response:
        clip = self._canned.clip(request.path_params["clip"])
        return problem(404) if clip is None else JSONResponse(clip)

    def media_or_page(self, request: Request) -> Response:
        parts = request.path_params["file"].split("/")
        if len(parts) == 1:
            return page("vod")
        if parts[0].startswith("~"):
            if float(parts[0][1:]) < time.time():
                return problem(403)
            parts = parts[1:]
        elif parts[0] == "pond-signed":
            return problem(401)
        made = {"storyboard.vtt": storyboard, "captions": captions}.get(parts[1])
        if made is not None:
            return Response(made(), media_type="text/vtt")
        path = self._folder.joinpath(*parts[1:])
        return FileResponse(path) if path.is_file() else problem(404)


def live(channel: str) -> dict[str, object]:
    about = {"channel": channel, "title": "Lina at the pond"}
    return {**about, "viewers": 4, "since_ms": int(time.time() - 5_400) * 1_000}


def page(name: str) -> Response:
    file = WEB / f"{name}.html"
    return FileResponse(file) if file.is_file() else problem(404)


def problem(status: int) -> Response:
    return JSONResponse({"title": "Nothing is here", "code": "not-found"}, status)


def app(folder: Path) -> ASGIApp:
    """With the headers that pages have in earnest."""
    return HeadersMiddleware(Starlette(routes=Door(folder).routes()), https=False)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the recordings' pages by themselves.")
    parser.add_argument("--folder", type=Path, required=True, help="where the media is made")
    parser.add_argument("--port", type=int, default=8090)
    wish = parser.parse_args()
    make_media(wish.folder)
    print(f"http://127.0.0.1:{wish.port}/channel/pond", flush=True)
    uvicorn.run(app(wish.folder), host="127.0.0.1", port=wish.port, log_level="warning")


if __name__ == "__main__":
    main()
