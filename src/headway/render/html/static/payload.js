// The payload of a page, from either host: plain JSON when served, gzip in base64 in the exported file.

const VERSION = 1;

export async function read(id = "data") {
  const element = document.getElementById(id);
  const data = element.type === "application/json" ? JSON.parse(element.textContent) : await unpack(element.textContent);
  if (data.version > VERSION) throw new Error("This page was made by a newer Headway");
  return unfolded(data);
}

/** A file has its edges as steps, which pack into half the room: both columns of the edges in the order of where they lead,
 *  the first as the distance between both ends, the second as the distance from the edge before. */
export function unfolded(data) {
  if (!data.steps) return data;
  const {steps: [back, on], ...rest} = data, edges = [];
  let to = 0;
  on.forEach((step, k) => { to += step; edges.push(to - back[k], to); });
  return {...rest, edges};
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}
