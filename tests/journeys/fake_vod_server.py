"""A server of canned answers, to look at the pages of recordings without a recorder.

    python -m tests.journeys.fake_vod_server --folder /tmp/fake-vods --port 8090

`/vod/pond-1` is a whole VOD, `/vod/pond-signed` one whose addresses end after 20 s, `/vod/pond-gap`
lacks something, `/vod/pond-live` is live, `/vod/pond-plain` has nothing but its picture; the
channel is `pond`. FFmpeg makes the media once and leaves it in the folder.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from signaling.headers import _CSP as CSP
from signaling.pages import WEB

LENGTH_MS: Final = 312_000
BEGAN_MS: Final = 1_760_000_000_000
SIGNED_S: Final = 20
TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mp4": "video/mp4",
    ".jpg": "image/jpeg",
    ".vtt": "text/vtt",
}
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


@dataclass
class Canned:
    """What is answered. Clips come to be, step by step with each question."""

    folder: Path
    clips: dict[str, dict[str, object]] = field(default_factory=dict)
    markers: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for number in range(3):
            clip = self.clip("pond-1", 30_000 * number, 30_000 * number + 20_000, f"Frog {number}")
            clip.update(state="ready", progress=1.0, mp4="/vod-clip/made/clip.mp4")

    def clip(self, vod: str, from_ms: int, to_ms: int, title: str) -> dict[str, object]:
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

    def asked(self, name: str) -> dict[str, object] | None:
        clip = self.clips.get(name)
        if clip is not None and clip["state"] == "making":
            done = float(str(clip["progress"])) + 0.34
            clip["progress"] = min(1.0, done)
            if done >= 1:
                clip.update(state="ready", mp4="/vod-clip/made/clip.mp4")
        return clip

    def vod(self, name: str) -> dict[str, object]:
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
            "poster": None if name == "pond-plain" else f"/vod/{name}/small.jpg",
        }

    def details(self, name: str) -> dict[str, object]:
        ends = int(time.time()) + SIGNED_S if name == "pond-signed" else None
        folder = f"/vod/{name}/" if ends is None else f"/vod/~{ends}.x/{name}/"
        rich = name != "pond-plain"
        captions = [
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
        return {
            "vod": self.vod(name),
            "size_bytes": 231_000_000,
            "keep_until_ms": BEGAN_MS + 30 * 86_400_000,
            "folder": folder,
            "expires_ms": None if ends is None else ends * 1_000,
            "playlist": f"{folder}master.m3u8",
            "mp4": f"{folder}video.mp4",
            "large_poster": f"{folder}poster.jpg" if rich else None,
            "storyboard": f"{folder}storyboard.vtt" if rich else None,
            "chapters_vtt": f"{folder}chapters.vtt",
            "chapters": chapters() if rich else [],
            "captions": captions if rich else [],
            "periods": [{"at_ms": 0, "stream_ms": BEGAN_MS, "duration_ms": LENGTH_MS}],
            "jobs": [job, failed] if name == "pond-2" else [],
        }

    def vods(self, before: str | None) -> dict[str, object]:
        names = ["pond-live", "pond-1", "pond-2", "pond-gap", "pond-plain", "pond-signed"]
        names += [f"pond-old{number}" for number in range(8)]
        names = [name for name in names if name not in self.gone]
        first = int(before or 0)
        more = str(first + 6) if first + 6 < len(names) else None
        return {"items": [self.vod(name) for name in names[first : first + 6]], "next": more}


def chapters() -> list[dict[str, object]]:
    return [{"at_ms": at, "title": title, "source": source} for at, title, source in CHAPTERS]


def talk() -> list[dict[str, object]]:
    """The room, in its order: busier while the lilies are planted."""
    dice = random.Random(7)
    entries: list[dict[str, object]] = []
    at_ms = 2_000
    while at_ms < LENGTH_MS:
        name, text = dice.choice(TALK)
        entry: dict[str, object] = {
            "seq": len(entries) * 2 + 1,
            "t": BEGAN_MS + at_ms,
            "kind": "message",
            "id": f"m{at_ms}",
            "user": {"id": f"guest:{name.lower()}", "name": name},
            "text": text,
            "parts": [{"t": "text", "v": f"{text} "}, {"t": "emote", "v": "heart"}],
        }
        if len(entries) == 20:
            gift = {"kind": "alert", "what": "donation", "shown": "20,00 €", "text": "for the frogs"}
            entry = {**entry, **gift, "parts": []}
        entries.append({"at_ms": at_ms, "entry": entry})
        busy = 121_000 < at_ms < 160_000
        at_ms += dice.randint(150, 900) if busy else dice.randint(1_000, 6_000)
    return entries


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


class Door(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    canned: Canned

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        if parts[0] == "api":
            self._api(parts[1:], query)
        elif parts[0] == "static":
            self._file(WEB.joinpath(*parts[1:]))
        elif parts[0] == "vod-clip":
            self._file(self.canned.folder / "video.mp4")
        elif parts[0] == "vod" and len(parts) > 2:
            self._media(parts[1:])
        else:
            page = {"": "index", "vod": "vod", "clip": "clip", "channel": "channel"}
            self._file(WEB / f"{page.get(parts[0], parts[0])}.html")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        parts = urlsplit(self.path).path.strip("/").split("/")
        if parts[-1] == "clips" and parts[1] == "vods":
            clip = self.canned.clip(parts[2], body["from_ms"], body["to_ms"], body["title"])
            self._json(clip, 201)
        elif parts[-1] == "clips":
            self._json(self.canned.clip("pond-1", 60_000, 90_000, body.get("title", "")), 201)
        elif parts[-1] == "markers":
            self.canned.markers.append(body["text"])
            self._json({"stream_ms": BEGAN_MS})
        else:
            self._problem(404)

    def do_DELETE(self) -> None:
        self.canned.gone.add(self.path.split("/")[-1])
        self._send(204, "text/plain", b"")

    def _api(self, parts: Sequence[str], query: Mapping[str, str]) -> None:
        match list(parts):
            case ["time"]:
                self._json({"now_ms": time.time() * 1_000})
            case ["live"]:
                live = {"channel": "pond", "title": "Pond", "viewers": 4, "since_ms": BEGAN_MS}
                self._json({"channels": [live]})
            case ["vods", name] if name.startswith("pond") and name not in self.canned.gone:
                self._json(self.canned.details(name))
            case ["vods", _, "heat"]:
                dice = random.Random(3)
                values = [dice.random() * (1 if 60 < i < 90 else 0.4) for i in range(120)]
                self._json({"step_ms": LENGTH_MS / 120, "values": values})
            case ["vods", _, "search"]:
                self._json({"items": found(query.get("q", ""))})
            case ["vods", name, "chat"]:
                self._json(self._chat(name, query))
            case ["clips", name] if (clip := self.canned.asked(name)) is not None:
                self._json(clip)
            case ["channels", "pond", "vods"]:
                self._json(self.canned.vods(query.get("before")))
            case ["channels", "pond", "clips"]:
                self._json({"items": list(self.canned.clips.values()), "next": None})
            case ["channels", name, "vods" | "clips"]:
                self._json({"items": [], "next": None})
            case ["channels", name, "state"]:
                state = {"channel": name, "title": "Lina at the pond", "live": name == "pond"}
                rest = {"stalled": False, "viewers": 4, "since_ms": BEGAN_MS}
                self._json({**state, **rest, "layers": [], "renditions": []})
            case _:
                self._problem(404)

    def _chat(self, name: str, query: Mapping[str, str]) -> dict[str, object]:
        begin, end = int(query["from"]), int(query["to"])
        after, limit = int(query.get("after", -1)), int(query.get("limit", 200))
        if name == "pond-plain":
            return {"items": [], "next": None}
        wanted = [
            one
            for number, one in enumerate(talk())
            if begin <= int(str(one["at_ms"])) < end and number * 2 + 1 > after
        ]
        page = wanted[:limit]
        last = page[-1]["entry"] if len(wanted) > limit else None
        return {"items": page, "next": last["seq"] if isinstance(last, dict) else None}

    def _media(self, parts: Sequence[str]) -> None:
        if parts[0].startswith("~"):
            if float(parts[0][1:].split(".")[0]) < time.time():
                self._problem(403)
                return
            parts = parts[1:]
        elif parts[0] == "pond-signed":
            self._problem(401)
            return
        made = {"storyboard.vtt": storyboard, "captions": captions}.get(parts[1])
        if made is not None:
            self._send(200, "text/vtt", made().encode())
        else:
            self._file(self.canned.folder.joinpath(*parts[1:]))

    def _file(self, path: Path) -> None:
        if not path.is_file():
            self._problem(404)
            return
        content = path.read_bytes()
        kind = TYPES.get(path.suffix, "application/octet-stream")
        asked = self.headers.get("Range")
        if asked is None:
            self._send(200, kind, content)
            return
        begin, _, end = asked.removeprefix("bytes=").partition("-")
        first, last = int(begin), min(int(end or len(content)), len(content) - 1)
        place = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        self._send(206, kind, content[first : last + 1], place)

    def _problem(self, status: int) -> None:
        self._json({"title": "Nothing is here", "detail": self.path, "code": "not-found"}, status)

    def _json(self, body: object, status: int = 200) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(
        self, status: int, kind: str, body: bytes, more: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        head = {"Content-Type": kind, "Content-Length": str(len(body)), "Accept-Ranges": "bytes"}
        for name, value in {**head, "Content-Security-Policy": CSP, **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def serve(folder: Path, port: int) -> ThreadingHTTPServer:
    make_media(folder)
    door = type("CannedDoor", (Door,), {"canned": Canned(folder)})
    return ThreadingHTTPServer(("127.0.0.1", port), door)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the recordings' pages by themselves.")
    parser.add_argument("--folder", type=Path, required=True, help="where the media is made")
    parser.add_argument("--port", type=int, default=8090)
    wish = parser.parse_args()
    server = serve(wish.folder, wish.port)
    print(f"http://127.0.0.1:{server.server_port}/channel/pond", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
