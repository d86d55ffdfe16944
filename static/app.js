// Small behaviour of all pages; everything works without it.
(() => {
  for (const link of document.querySelectorAll("[data-nav]")) {
    const here = location.pathname.startsWith(link.dataset.nav);
    link.classList.toggle("active", here);
    if (here) link.setAttribute("aria-current", "page");
  }

  // A refused form says why at its top: bring that, or the first wrong field, to the reader.
  const refusal = document.querySelector("[data-focus]") ?? document.querySelector("[aria-invalid=true]");
  refusal?.focus();

  // A fragment that fails to load keeps its place and says so.
  for (const name of ["htmx:responseError", "htmx:sendError"]) {
    document.body.addEventListener(name, (event) => {
      const place = event.detail.elt.querySelector("[data-loading]");
      if (place) place.textContent = "Could not be loaded; reload the page to try again.";
    });
  }

  // Choosing one kind of thing shows the fields that belong to it: data-shows="name=value name=other".
  const isChosen = (choice) => {
    const [name, value] = choice.split("=");
    return document.querySelector(`[name="${name}"]:checked, select[name="${name}"]`)?.value === value;
  };
  const showFields = () => {
    for (const part of document.querySelectorAll("[data-shows]")) {
      part.hidden = !part.dataset.shows.split(" ").some(isChosen);
    }
  };
  for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", () => window.print());
  }

  document.addEventListener("change", showFields);
  showFields();
})();
