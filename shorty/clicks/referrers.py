"""Names known sites by their hosts."""

from functools import lru_cache
from typing import Final

_HOSTS: Final = {
    "Amazon": ("amazon.com", "amazon.co.uk", "amazon.de"),
    "Baidu": ("baidu.com",),
    "Bing": ("bing.com",),
    "Bluesky": ("bsky.app", "go.bsky.app"),
    "ChatGPT": ("chatgpt.com", "chat.openai.com"),
    "Discord": ("discord.com", "discordapp.com", "com.discord"),
    "DuckDuckGo": ("duckduckgo.com", "com.duckduckgo.mobile.android"),
    "Ecosia": ("ecosia.org",),
    "Facebook": ("facebook.com", "fb.com", "fb.me", "com.facebook.katana"),
    "GitHub": ("github.com",),
    "Gmail": ("mail.google.com", "com.google.android.gm"),
    "Hacker News": ("news.ycombinator.com", "hckrnews.com"),
    "Instagram": ("instagram.com", "com.instagram.android"),
    "Kagi": ("kagi.com",),
    "LINE": ("line.me", "jp.naver.line.android"),
    "LinkedIn": ("linkedin.com", "lnkd.in", "com.linkedin.android"),
    "Medium": ("medium.com",),
    "Messenger": ("messenger.com", "m.me", "com.facebook.orca"),
    "Outlook": ("outlook.com", "outlook.live.com", "outlook.office.com"),
    "Perplexity": ("perplexity.ai",),
    "Pinterest": ("pinterest.com", "pin.it", "com.pinterest"),
    "Quora": ("quora.com",),
    "Reddit": ("reddit.com", "redd.it", "com.reddit.frontpage"),
    "Slack": ("slack.com", "slack-redir.net", "com.slack"),
    "Snapchat": ("snapchat.com", "com.snapchat.android"),
    "Stack Overflow": ("stackoverflow.com",),
    "Telegram": ("t.me", "telegram.org", "telegram.me", "org.telegram.messenger"),
    "Threads": ("threads.net", "threads.com"),
    "TikTok": ("tiktok.com", "com.zhiliaoapp.musically"),
    "Tumblr": ("tumblr.com", "t.umblr.com"),
    "Twitch": ("twitch.tv",),
    "VK": ("vk.com", "vk.ru"),
    "WeChat": ("weixin.qq.com",),
    "WhatsApp": ("whatsapp.com", "wa.me", "com.whatsapp"),
    "Wikipedia": ("wikipedia.org",),
    "X": ("x.com", "twitter.com", "t.co", "com.twitter.android"),
    "Yahoo": ("yahoo.com",),
    "Yandex": ("yandex.com", "yandex.ru", "ya.ru"),
    "YouTube": ("youtube.com", "youtu.be", "com.google.android.youtube"),
}
_NAMES: Final = {host: name for name, hosts in _HOSTS.items() for host in hosts}
REMEMBERED_HOSTS: Final = 4096
_APPS: Final = ("com.", "org.", "jp.")  # prefixes of app names, which have no subdomains


@lru_cache(REMEMBERED_HOSTS)
def find_site(host: str) -> str | None:
    """The known site of a host or of one of its parent domains; None for other hosts."""
    if host in _NAMES:
        return _NAMES[host]
    if host.startswith(("google.", "com.google.android")) or ".google." in host:
        return "Google"
    _, _, parent = host.partition(".")
    while parent:
        if parent in _NAMES and not parent.startswith(_APPS):
            return _NAMES[parent]
        _, _, parent = parent.partition(".")
    return None
