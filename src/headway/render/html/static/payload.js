// The payload of a page, from either host: plain JSON when served, gzip in base64 in the exported file.

const VERSION = 1;

export async function read(id = "data") {
  const element = document.getElementById(id);
  const data = element.type === "application/json" ? JSON.parse(element.textContent) : await unpack(element.textContent);
  if (data.version > VERSION) throw new Error("This page was made by a newer Headway");
  return data;
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}
