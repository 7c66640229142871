(() => {
  const { to, meta, google, container } = document.currentScript.dataset;
  const waiting = new Set();
  let isLeaving = false;
  const leave = () => {
    if (to && !isLeaving) location.replace(to);
    isLeaving = true;
  };
  const finish = (name) => {
    if (waiting.delete(name) && !waiting.size) leave();
  };
  const load = (name, address) => {
    const script = document.createElement("script");
    script.src = address;
    script.async = true;
    script.onerror = () => finish(name);
    waiting.add(name);
    document.head.append(script);
  };
  if (meta) {
    const fbq = (window.fbq = window._fbq = function () {
      if (fbq.callMethod) fbq.callMethod.apply(fbq, arguments);
      else fbq.queue.push(arguments);
    });
    Object.assign(fbq, { push: fbq, loaded: true, version: "2.0", queue: [] });
    fbq("init", meta);
    fbq("track", "PageView");
    new PerformanceObserver((list) => {
      if (list.getEntries().some((entry) => entry.name.startsWith("https://www.facebook.com/tr")))
        finish("meta");
    }).observe({ type: "resource" });
    load("meta", "https://connect.facebook.net/en_US/fbevents.js");
  }
  if (google || container) window.dataLayer = [];
  if (google) {
    window.gtag = function () {
      dataLayer.push(arguments);
    };
    gtag("js", new Date());
    gtag("config", google, { event_callback: () => finish("google") });
    load("google", "https://www.googletagmanager.com/gtag/js?id=" + encodeURIComponent(google));
  }
  if (container) {
    dataLayer.push({ "gtm.start": Date.now(), event: "gtm.js" });
    dataLayer.push({ event: "shorty", eventCallback: () => finish("container") });
    load("container", "https://www.googletagmanager.com/gtm.js?id=" + encodeURIComponent(container));
  }
  setTimeout(leave, 1000);
})();
