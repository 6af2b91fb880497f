/** How often `everflame dev` sends a profile, in seconds: what runs now is on the page a moment later. */
export const DEV_PERIOD = '1';
