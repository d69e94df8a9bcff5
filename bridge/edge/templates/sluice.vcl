# @made@
# The cache of Sluice's streams. nginx stands in front of it and has asked who may watch: let
# nobody else reach it.
vcl 4.1;

import std;

backend origin {
    .host = "@origin_host@";
    .port = "@origin_port@";
    .connect_timeout = 1s;
    # An origin holds a reload for up to three target durations.
    .first_byte_timeout = 45s;
    .between_bytes_timeout = 15s;
    .probe = {
        # For an origin that is silent. One that refuses is noticed by the first request.
        .url = "/healthz";
        .interval = 1s;
        .timeout = 2s;
        .window = 4;
        .threshold = 2;
        .initial = 2;
    }
}

sub vcl_recv {
    if (req.restarts == 0) {
        # Said by us alone.
        unset req.http.X-Sluice-Stale;
        unset req.http.X-Sluice-Older;
        unset req.http.X-Sluice-Answered;
        if (!std.healthy(req.backend_hint)) {
            set req.http.X-Sluice-Stale = "1";
        }
    }
    if (req.method == "OPTIONS") {
        return (synth(204));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (synth(405));
    }
    if (req.url !~ "^/live/") {
        return (synth(404));
    }

    # The key: the path, and of the query only what changes a playlist, in one order. CMCD and
    # the rest would make a copy for each viewer.
    if (req.url ~ "^[^?]*\.m3u8\?") {
        set req.url = regsuball(req.url, "([?&])(?!_HLS_(?:msn|part|skip)=)[^&]*", "\1");
        set req.url = regsuball(req.url, "&&+", "&");
        set req.url = regsub(req.url, "\?&", "?");
        set req.url = regsub(req.url, "[?&]+$", "");
        set req.url = std.querysort(req.url);
    } else {
        set req.url = regsub(req.url, "\?.*$", "");
    }

    # Nothing of a viewer goes to the origin: its answer is for all.
    unset req.http.Cookie;
    unset req.http.Authorization;
    unset req.http.Cache-Control;
    unset req.http.Pragma;
    unset req.http.User-Agent;
    unset req.http.Accept-Language;
    unset req.http.Referer;
    unset req.http.Origin;
    # One piece at a time; a thousand small ones are an attack.
    if (req.http.Range ~ ",") {
        unset req.http.Range;
    }

    # Too old is served only when there is nothing newer to be had: when the origin is known to be
    # lost, or after it failed (vcl_deliver).
    set req.grace = 0s;
    if (req.http.X-Sluice-Stale) {
        set req.grace = 1d;  # as much as the answer itself has
    }
    return (hash);
}

sub vcl_hash {
    hash_data(req.url);
    return (lookup);
}

sub vcl_backend_response {
    unset beresp.http.Set-Cookie;
    unset beresp.http.Vary;

    # An error that says for how long it holds is an answer, and kept like one. Varnish by itself
    # would let those who wait for it go to the origin one by one.
    if (beresp.status >= 400 && beresp.http.Cache-Control ~ "max-age=[0-9]") {
        set beresp.ttl = std.duration(
            regsub(beresp.http.Cache-Control, "^.*?(?:s-maxage|max-age)=([0-9]{1,6}).*$", "\1s"), 1s);
    } elsif (beresp.status >= 500) {
        set bereq.http.X-Sluice-Answered = "1";
        return (error(beresp.status));
    }

    # An origin that has restarted does not know the playlist until the publisher is back. Once it
    # is clear that nothing older is there, this is the answer.
    if ((beresp.status == 404 || beresp.status == 409) && !bereq.http.X-Sluice-Stale &&
        bereq.url ~ "^[^?]*\.(m3u8|mpd)(\?|$)") {
        set bereq.http.X-Sluice-Answered = "1";
        return (error(503));
    }
    if (bereq.is_bgfetch && beresp.status >= 400) {
        return (abandon);
    }

    # About one viewer and not about the key. One second of "do not wait for each other".
    if (beresp.status == 401 || beresp.status == 403 || beresp.ttl <= 0s ||
        beresp.http.Cache-Control ~ "(?i)no-store|no-cache|private") {
        set beresp.ttl = 1s;
        set beresp.grace = 0s;
        set beresp.uncacheable = true;
        return (deliver);
    }

    set beresp.keep = 0s;
    set beresp.grace = 0s;
    if (beresp.status == 200) {
        set beresp.grace = @grace_s@s;
    }
    # A segment in the making goes to all who ask while it grows.
    set beresp.do_stream = true;
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.is_bgfetch) {
        # An older answer is being served: no error may take its place.
        return (abandon);
    }
    if (bereq.retries == 0 && !bereq.http.X-Sluice-Answered && !bereq.http.X-Sluice-Stale &&
        std.healthy(bereq.backend)) {
        # A connection that the origin had closed meanwhile.
        return (retry);
    }
    set beresp.http.X-Sluice-Failed = "1";
    set beresp.http.Retry-After = "1";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Content-Type = "application/problem+json";
    set beresp.status = 503;
    set beresp.ttl = 0s;
    set beresp.grace = 0s;
    if (bereq.http.X-Sluice-Stale || bereq.url ~ "_HLS_") {
        # Known for a moment, so that a thousand who waited do not ask one after the other. Not
        # where there may be an older answer: Varnish would drop it for this one.
        set beresp.ttl = 0.5s;
    }
    synthetic({"{ "type": "urn:sluice:problem:busy", "title": "Sluice takes no more now",
  "status": 503, "code": "busy",
  "detail": "The origin does not answer. Try again after Retry-After seconds." }
"});
    return (deliver);
}

sub vcl_deliver {
    if (resp.http.X-Sluice-Failed && req.restarts == 0) {
        # The same answer, too old, or the newest playlist that somebody asked for without waiting.
        set req.http.X-Sluice-Stale = "1";
        if (req.url ~ "\?") {
            set req.http.X-Sluice-Older = "1";
            set req.url = regsub(req.url, "\?.*$", "");
        }
        return (restart);
    }
    unset resp.http.X-Sluice-Failed;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    unset resp.http.Server;
    # Varnish has chosen by Accept-Encoding, and caches behind us must know.
    set resp.http.Vary = "Accept-Encoding";
    if (resp.status == 200 && (obj.ttl < 0s || req.http.X-Sluice-Older)) {
        set resp.http.X-Sluice-Edge = "stale";
        set resp.http.Cache-Control = "no-cache";
    } elsif (obj.hits > 0) {
        set resp.http.X-Sluice-Edge = "hit";
    } else {
        set resp.http.X-Sluice-Edge = "miss";
    }
    set resp.http.Access-Control-Allow-Origin = "*";
    if (resp.http.Access-Control-Expose-Headers) {
        set resp.http.Access-Control-Expose-Headers =
            resp.http.Access-Control-Expose-Headers + ", X-Sluice-Edge";
    } else {
        set resp.http.Access-Control-Expose-Headers = "Age, X-Sluice-Edge";
    }
    if (!resp.http.Content-Length) {
        # It grows: nginx must not hold it back.
        set resp.http.X-Accel-Buffering = "no";
    }
    return (deliver);
}

sub vcl_synth {
    set resp.http.Access-Control-Allow-Origin = "*";
    if (resp.status == 204) {
        set resp.http.Access-Control-Allow-Methods = "GET, HEAD";
        set resp.http.Access-Control-Allow-Headers = "Range";
        set resp.http.Access-Control-Max-Age = "86400";
    } elsif (resp.status == 405) {
        set resp.http.Allow = "GET, HEAD, OPTIONS";
    }
    synthetic("");
    return (deliver);
}
