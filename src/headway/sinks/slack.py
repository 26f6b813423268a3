"""Messages to Slack: through an app's token, or through incoming webhooks. Needs the extra `slack`.

One key is one message. What was begun before and may have arrived is looked for in its channel first, by the metadata
that every message carries; where that cannot be read (a webhook, a channel the app may not read) it is left alone:
better missing than twice. A request that Slack may have got is never sent again within a run either; only where it
said to come later (429) is that done.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from headway.config import Option
from headway.errors import ConfigError, MissingExtra
from headway.sinks.message import UNSURE, Message
from headway.sinks.protocol import Delivered, Setting
from headway.sinks.slack_blocks import LONGEST_SECTION, blocks_of, cut, escaped, fallback_of

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.http_retry.handler import RetryHandler

EVENT = "headway_message"
"""Type of the metadata that every message carries: what it is found by."""
LONGEST_WAIT = 60
"""Seconds that Slack may ask to wait; when it asks for more, the next run goes on."""
TIMES = 3
"""How often one message is tried again after a 429."""
SECONDS = 30
MOST_PAGES = 5
"""Pages of a channel, of 200 messages each, that are looked through for one message."""
EARLIER = timedelta(minutes=5)
"""How far clocks may be apart."""

_UNCERTAIN = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
_HINTS = {
    "not_in_channel": "invite the app into the channel",
    "channel_not_found": "invite the app into the channel, and name it by its id",
    "is_archived": "the channel is archived",
    "missing_scope": "install the app again with the scopes of its manifest",
    "invalid_auth": "HEADWAY_SLACK_TOKEN is not a token that holds",
    "not_authed": "HEADWAY_SLACK_TOKEN is not a token that holds",
    "token_revoked": "HEADWAY_SLACK_TOKEN was taken back",
    "token_expired": "HEADWAY_SLACK_TOKEN has ended",
    "account_inactive": "the app was taken out of the workspace",
    "ratelimited": "it goes out with the next run",
}


class Slack:
    """Sends messages to channels and people of one workspace."""

    name: ClassVar[str] = "slack"
    options: ClassVar[tuple[Option, ...]] = (
        Option("token", str, "", "Bot token of the app.", env="HEADWAY_SLACK_TOKEN", secret=True),
        Option("webhooks", dict, None, "Channel -> environment variable with the address of its webhook."),
        Option("api", str, "https://slack.com/api/", "Where the Web API is."),
    )

    def __init__(self, options: Mapping[str, Any], setting: Setting) -> None:
        self._api = str(options.get("api") or "https://slack.com/api/")
        self._webhooks: Mapping[str, str] = options.get("webhooks") or {}
        self._environment = setting.environment
        self._token = setting.environment.get("HEADWAY_SLACK_TOKEN", "").strip()

    def deliver(self, items: Iterable[Message], *, dry_run: bool) -> Iterator[Delivered]:
        """Post each message, or say what would be posted. See sinks.protocol.Sink.

        The receipt has `channel` and `ts`, which an answer in the thread needs; of a webhook it has neither. What
        failed and may have arrived has `unsure` in its receipt. Raises MissingExtra without slack-sdk.
        """
        for message in items:
            if dry_run:
                yield Delivered(message.key, "would be sent", f"Slack {message.to}: {message.title}")
                continue
            yield self._through(message).sent(message)

    def _through(self, message: Message) -> _App | _Webhook:
        """Raises ConfigError where neither a token nor a webhook is there, MissingExtra."""
        if self._token:
            return _App(_client(self._token, self._api))
        variable = self._webhooks.get(message.to, "")
        address = self._environment.get(variable, "").strip() if variable else ""
        if address.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            return _Webhook(address)
        if variable:
            raise ConfigError(f"the environment variable {variable} has no https address of a webhook in it")
        hint = "set HEADWAY_SLACK_TOKEN, or name its webhook under slack.webhooks"
        raise ConfigError(f"there is no way to send to {message.to} in Slack", hint=hint)


def answer(url: str, text: str, *, api: str, thread: str = "", shared: bool = True) -> bool:
    """Answer a press of a button, for everybody in the channel or for whoever pressed; whether that was taken.

    `url` is where Slack wants answers to that press. Only an address of Slack, or of the host of `api`, is asked; what
    is said has no mark-up. Raises MissingExtra.
    """
    if not _of_slack(url, api):
        return False
    handlers = [_later()]
    from slack_sdk.webhook import WebhookClient

    client = WebhookClient(url, timeout=SECONDS, retry_handlers=handlers, logger=_silent_logger())
    body: dict[str, Any] = {
        "text": escaped(cut(text, LONGEST_SECTION)),
        "response_type": "in_channel" if shared else "ephemeral",
        "replace_original": False,
    }
    if thread:
        body["thread_ts"] = thread
    try:
        return client.send_dict(body).status_code == 200
    except Exception:  # the SDK passes on whatever its connection raises; what was decided is decided
        return False


def in_thread(channel: str, thread: str, text: str, *, token: str, api: str) -> bool:
    """Say something in a thread, without mark-up; whether that was taken. Raises ConfigError, MissingExtra."""
    plain = escaped(cut(text, LONGEST_SECTION))
    section = {"type": "section", "text": {"type": "mrkdwn", "text": cut(plain, LONGEST_SECTION), "verbatim": True}}
    asked = {"channel": channel, "thread_ts": thread, "text": plain, "blocks": [section], "unfurl_links": False}
    _, trouble = _asked(_client(token, api), "chat.postMessage", asked)
    return trouble is None


def _of_slack(url: str, api: str) -> bool:
    try:
        parts, own = urlsplit(url), urlsplit(api)
        host = parts.hostname or ""
    except ValueError:
        return False
    known = host in {"slack.com", "slack-gov.com"} or host.endswith((".slack.com", ".slack-gov.com"))
    return (parts.scheme == "https" and known) or (parts.scheme, parts.netloc) == (own.scheme, own.netloc)


@dataclass(frozen=True, slots=True)
class _App:
    client: WebClient

    def sent(self, message: Message) -> Delivered:
        if message.begun is not None:
            found = self._found(message, message.begun)
            if isinstance(found, Delivered):
                return found
        thread = {"thread_ts": message.thread["ts"]} if message.thread.get("ts") else {}
        channel = str(message.thread.get("channel") or message.to)
        answer, trouble = _asked(
            self.client,
            "chat.postMessage",
            {
                "channel": channel,
                "text": fallback_of(message),
                "blocks": blocks_of(message),
                "metadata": {"event_type": EVENT, "event_payload": {"key": message.key}},
                "unfurl_links": False,
                "unfurl_media": False,
                **thread,
            },
        )
        if trouble is not None:
            return trouble.of(message)
        receipt = {"channel": str(answer.get("channel", "")), "ts": str(answer.get("ts", ""))}
        return Delivered(message.key, "sent", f"Slack {message.to}: {message.title}", receipt)

    def _found(self, message: Message, begun: datetime) -> Delivered | None:
        """What became of a message that was begun before: None when it is surely not there."""
        channel = str(message.thread.get("channel") or message.to)
        oldest = f"{(begun - EARLIER).timestamp():.6f}"
        asked: dict[str, Any] = {"channel": channel, "oldest": oldest, "limit": 200, "include_all_metadata": True}
        method = "conversations.history"
        if message.thread.get("ts"):
            method, asked["ts"] = "conversations.replies", message.thread["ts"]
        for _ in range(MOST_PAGES):
            answer, trouble = _asked(self.client, method, asked)
            if trouble is not None:
                break
            for one in answer.get("messages") or ():
                data = one.get("metadata") or {}
                if data.get("event_type") == EVENT and (data.get("event_payload") or {}).get("key") == message.key:
                    receipt = {"channel": channel, "ts": str(one.get("ts", ""))}
                    return Delivered(message.key, "same", f"Slack {message.to}: it is there already", receipt)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            asked["cursor"] = cursor
        return _left_alone(message, "the channel could not be read to see whether it arrived")


@dataclass(frozen=True, slots=True)
class _Webhook:
    address: str

    def sent(self, message: Message) -> Delivered:
        if message.begun is not None:
            return _left_alone(message, "a webhook cannot say whether it arrived")
        handlers = [_later()]
        from slack_sdk.webhook import WebhookClient

        client = WebhookClient(self.address, timeout=SECONDS, retry_handlers=handlers, logger=_silent_logger())
        try:
            answer = client.send(text=fallback_of(message), blocks=blocks_of(message))
        except Exception as error:  # the SDK passes on whatever its connection raises
            return _trouble(error).of(message)
        if answer.status_code == 200:
            return Delivered(message.key, "sent", f"Slack {message.to}: {message.title}")
        said = "".join(c for c in answer.body[:60] if c.isalnum() or c in "_ ")
        return _Trouble(f"{answer.status_code} {said}".strip(), unsure=answer.status_code >= 500).of(message)


@dataclass(frozen=True, slots=True)
class _Trouble:
    what: str
    unsure: bool
    hint: str = ""

    def of(self, message: Message) -> Delivered:
        maybe = "; it may have arrived" if self.unsure else ""
        hint = f" ({self.hint})" if self.hint else ""
        sentence = f"Slack {message.to} did not take {message.title!r}: {self.what}{maybe}{hint}"
        return Delivered(message.key, "failed", sentence, {UNSURE: True} if self.unsure else {})


def _left_alone(message: Message, why: str) -> Delivered:
    sentence = f"Slack {message.to}: {message.title!r} may have been sent before, and is not sent again: {why}"
    return Delivered(message.key, "left alone", sentence)


def _asked(client: WebClient, method: str, body: dict[str, Any]) -> tuple[Mapping[str, Any], _Trouble | None]:
    """The answer of the Web API, or what went wrong: one sentence without anything that was sent."""
    from slack_sdk.errors import SlackApiError

    try:
        if method == "chat.postMessage":
            answer = client.api_call(method, json=body)
        else:
            answer = client.api_call(method, params=body)
    except SlackApiError as error:
        status = int(getattr(error.response, "status_code", 0) or 0)
        data = getattr(error.response, "data", None)
        said = str(data.get("error", "")) if isinstance(data, dict) else ""
        word = "".join(c for c in said[:60] if c.isalnum() or c == "_") or f"status {status}"
        return {}, _Trouble(word, status >= 500 or word in _UNCERTAIN, _HINTS.get(word, ""))
    except Exception as error:  # the SDK passes on whatever its connection raises
        return {}, _trouble(error)
    if not isinstance(answer.data, dict):
        return {}, _Trouble("it answered something else than JSON", unsure=True)
    return answer.data, None


def _trouble(error: Exception) -> _Trouble:
    """A connection that was never made delivered nothing; of everything else that is not known."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, (ConnectionRefusedError, socket.gaierror)):
        return _Trouble("it could not be reached", unsure=False)
    return _Trouble(f"the connection broke ({type(reason).__name__})", unsure=True)


def _client(token: str, api: str) -> WebClient:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError("HEADWAY_SLACK_TOKEN is no token", hint="it begins with xoxb-")
    handlers = [_later()]
    from slack_sdk import WebClient

    return WebClient(token, base_url=api, timeout=SECONDS, retry_handlers=handlers, logger=_silent_logger())


def _later() -> RetryHandler:
    """Waits as Slack says, at most a minute. The SDK's own default also repeats requests that may have arrived."""
    try:
        from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
    except ImportError:
        raise MissingExtra("slack", "sending to Slack") from None

    class Later(RateLimitErrorRetryHandler):
        def _can_retry(self, *, response: Any = None, **given: Any) -> bool:
            if not super()._can_retry(response=response, **given):
                return False
            said = next((v for k, v in response.headers.items() if k.lower() == "retry-after"), ["1"])
            text = str(said[0] if isinstance(said, list) else said)
            return text.isascii() and text.isdigit() and int(text[:6]) <= LONGEST_WAIT

    return Later(max_retry_count=TIMES)


def _silent_logger() -> Any:
    """The SDK logs addresses and bodies: to nobody."""
    import logging

    logger = logging.Logger("headway.slack")  # outside of the tree on purpose
    logger.disabled = True
    return logger
