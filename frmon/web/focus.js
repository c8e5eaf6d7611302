// Keys go to the screen as soon as it is there, without a click.
new MutationObserver((_, seen) => {
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys && document.body.classList.contains("-first-byte")) {
    keys.focus();
    seen.disconnect();
  }
}).observe(document.documentElement, { attributes: true, childList: true, subtree: true });
