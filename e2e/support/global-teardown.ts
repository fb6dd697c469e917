export default async function teardown(): Promise<void> {
  await globalThis.e2eFleet?.stop();
}
