// The map: every vehicle where it was last seen; of the selected one its way, its fences, route and stops.

import { by, el } from "./dom.js";
import { legend, mark } from "./marks.js";

const L = window.L;
const CLOSE_ZOOM = 15;
const NEAR_ZOOM = 14;

const Ground = L.GridLayer.extend({ createTile: () => el("div", { class: "ground" }) });

export class FleetMap {
  #map;
  #marks = new Map();
  #selected = null;
  #way = L.layerGroup();
  #places = L.layerGroup();
  #fitted = false;

  constructor(tiles, select) {
    this.select = select;
    this.#map = L.map(by("map"), { zoomControl: true, attributionControl: Boolean(tiles), worldCopyJump: true });
    this.#map.setView([30, 10], 2);
    if (tiles) {
      this.#map.attributionControl.setPrefix("Leaflet");
      // Leaflet takes an attribution as HTML
      L.tileLayer(tiles.url, { maxZoom: 19, attribution: el("span", {}, tiles.attribution).innerHTML }).addTo(this.#map);
    } else {
      new Ground().addTo(this.#map);
    }
    L.control.scale({ imperial: false }).addTo(this.#map);
    this.#places.addTo(this.#map);
    this.#way.addTo(this.#map);
    by("legend").append(...legend());
    by("fit").addEventListener("click", () => this.fit());
    new ResizeObserver(() => this.#map.invalidateSize()).observe(by("map"));
  }

  show(vehicles, isShown) {
    const seen = new Set();
    for (const vehicle of vehicles) {
      if (vehicle.latitude === undefined || !isShown(vehicle)) continue;
      seen.add(vehicle.id);
      this.#place(vehicle);
    }
    for (const [id, marker] of this.#marks) {
      if (seen.has(id)) continue;
      marker.remove();
      this.#marks.delete(id);
    }
    if (!this.#fitted && this.#marks.size > 0) {
      this.#fitted = true;
      this.fit();
    }
  }

  #place(vehicle) {
    const at = [vehicle.latitude, vehicle.longitude];
    const heading = Math.round((vehicle.heading_deg ?? 0) / 5) * 5;
    const look = `${vehicle.state} ${vehicle.alerts > 0} ${heading} ${vehicle.id === this.#selected}`;
    const marker = this.#marks.get(vehicle.id) ?? this.#made(vehicle.id, at);
    marker.setLatLng(at);
    if (marker.look === look) return;
    marker.look = look;
    const chosen = vehicle.id === this.#selected;
    marker.setIcon(icon(mark(vehicle.state, { alert: vehicle.alerts > 0, heading }), chosen));
    marker.getElement().dataset.vehicle = vehicle.id;
    marker.setZIndexOffset(chosen ? 2000 : vehicle.alerts > 0 ? 1000 : vehicle.state === "moving" ? 500 : 0);
  }

  #made(id, at) {
    // the roster is the keyboard's way to a vehicle: a hundred tab stops in a map would be none
    const marker = L.marker(at, { keyboard: false, icon: icon("", false) });
    marker.on("click", () => this.select(id, false));
    marker.bindTooltip(el("span", {}, id), { direction: "bottom", offset: [0, 12] });
    this.#marks.set(id, marker.addTo(this.#map));
    return marker;
  }

  fit() {
    const bounds = L.latLngBounds([...this.#marks.values()].map((marker) => marker.getLatLng()));
    if (bounds.isValid()) this.#map.fitBounds(bounds, { padding: [30, 30], maxZoom: CLOSE_ZOOM, animate: false });
  }

  // `near`: go there, unless it was picked on the map itself.
  choose(id, near) {
    this.#selected = id;
    this.#way.clearLayers();
    this.#places.clearLayers();
    const marker = this.#marks.get(id);
    if (marker && near) this.#map.setView(marker.getLatLng(), Math.max(this.#map.getZoom(), NEAR_ZOOM));
  }

  showWay(trail) {
    this.#way.clearLayers();
    L.polyline(trail.trip, { className: "trip", interactive: false }).addTo(this.#way);
    L.polyline(trail.fixes, { className: "fixes", interactive: false }).addTo(this.#way);
  }

  showPlaces({ geofences, route, stops }) {
    this.#places.clearLayers();
    for (const feature of geofences.features) this.#fence(feature);
    if (route) {
      L.polyline(route.polyline, { className: "route", interactive: false }).addTo(this.#places);
    }
    for (const stop of stops) {
      this.#named(L.circle([stop.latitude, stop.longitude], { radius: stop.radius_m, className: "stop" }), `stop ${stop.id}`);
    }
  }

  #fence({ geometry, properties }) {
    const options = { className: "fence" };
    const [longitude, latitude] = geometry.coordinates;
    const shape = geometry.type === "Point"
      ? L.circle([latitude, longitude], { ...options, radius: properties.radius_m })
      : L.geoJSON({ type: "Feature", geometry, properties: {} }, { style: () => options });
    this.#named(shape, properties.name ?? properties.id);
  }

  #named(shape, name) {
    shape.bindTooltip(el("span", {}, name), { sticky: true });
    shape.addTo(this.#places);
  }
}

const icon = (html, chosen) => L.divIcon({ className: chosen ? "vehicle chosen" : "vehicle", html, iconSize: [34, 34] });
