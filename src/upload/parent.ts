/** By which a process tells those that it starts of itself: its runtime id. */
export const PARENT_VARIABLE = 'EVERFLAME_PARENT_RUNTIME_ID';
