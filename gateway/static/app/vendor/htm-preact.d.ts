export { html, h, render, Component } from "htm/preact";
export * from "preact/hooks";
export { createContext } from "preact";
